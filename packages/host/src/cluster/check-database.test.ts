// @module-tag needs-postgres
import { afterAll, beforeAll, expect, it } from "vitest";
import { createTestStore } from "../../../../tests/harness/cluster-store.ts";
import { TestPostgres } from "../../../../tests/harness/postgres.ts";
import { checkDatabase } from "./check-database.ts";

let server: TestPostgres;

beforeAll(async () => {
  server = await TestPostgres.start();
});
afterAll(() => server?.[Symbol.asyncDispose]());

const findings = async (url: string) =>
  Object.fromEntries(
    (await checkDatabase(url)).map(({ what, found, remedy }) => [what, found ?? `! ${remedy}`]),
  );

it("a database is described as a cluster needs it", async () => {
  const url = server.url(await server.createDatabase());
  expect(await findings(url)).toEqual({
    [`server 127.0.0.1:${server.port}/lever1`]: expect.stringMatching(/^PostgreSQL \d+/),
    writable: "it is the primary",
    // The tests' servers are quick, and not durable.
    durable: expect.stringMatching(/^! Set fsync and full_page_writes to on/),
    standby: expect.stringContaining("no synchronous one"),
    connections: "100: enough for 11 hosts of 9",
    rights: "the role lever may create Lever's tables",
    "no signals": "the role cannot cancel statements of others",
    TLS: expect.stringContaining("off"),
    cluster: "none: the first host founds one (--found)",
  });
});

it("a cluster that was not founded completely is named, and one that was", async () => {
  await using store = await createTestStore(server);
  const { cluster: begun } = await findings(store.url);
  expect(begun).toBe("! It is not founded completely: start its first host.");
  await store.fill({ id: store.database, revision: 0 }, []);
  const { cluster: founded } = await findings(store.url);
  expect(founded).toBe(`${store.database}, sealed with the key key`);
});

it.each([
  ["without a server", "postgres://u@127.0.0.1:1/d", "no server listens there"],
  ["with a wrong parameter", "postgres://u@h/d?x=1", 'it has the parameter "x"'],
])("a URL %s is answered with the reason", async (_what, url, reason) => {
  const answer = await checkDatabase(url).then(JSON.stringify, String);
  expect(answer.replaceAll("\\", "")).toContain(reason);
});

it("a superuser is warned of, since it may cancel statements", async () => {
  const { "no signals": signals } = await findings(server.url("postgres", "postgres"));
  expect(signals).toMatch(/^! The role may cancel statements/);
});
