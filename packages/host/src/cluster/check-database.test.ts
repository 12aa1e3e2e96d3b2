// @module-tag needs-postgres
// @module-tag needs-openssl
import { afterAll, beforeAll, expect, it } from "vitest";
import { CertificateAuthority } from "../../../../tests/harness/certificates.ts";
import { createTestStore } from "../../../../tests/harness/cluster-store.ts";
import { TestPostgres } from "../../../../tests/harness/postgres.ts";
import { checkDatabase } from "./check-database.ts";

let server: TestPostgres;
const authority = new CertificateAuthority();

beforeAll(async () => {
  server = await TestPostgres.start({ tls: authority.issue("server") });
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  authority[Symbol.dispose]();
});

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
    clock: "that of this machine shows the same time",
    cluster: "none: the first host founds one (--found)",
  });
});

it("a cluster that was not founded completely is named, and one that was", async () => {
  await using store = await createTestStore(server);
  const { cluster: begun } = await findings(store.url);
  expect(begun).toBe("! It is not founded completely: start its first host.");
  await store.fill({ id: store.database, revision: 0, epoch: 0 }, []);
  const { cluster: founded } = await findings(store.url);
  expect(founded).toBe(`${store.database}, sealed with the key key`);
});

it.each([
  [73_000, "73 s ahead of"],
  [-73_000, "73 s behind"],
])("a clock that is %s ms apart is reported with the remedy", async (apartMs, side) => {
  const wallTime = (): number => Date.now() + apartMs;
  const found = await checkDatabase(server.url("postgres"), { wallTime });
  const remedy = `The clock of this machine is ${side} that of the database's server. Set both by NTP`;
  expect(found.find(({ what }) => what === "clock")?.remedy).toContain(remedy);
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

const trusted = `?sslmode=verify-full&sslrootcert=${authority.certFile}`;

it.each([
  ["with TLS, and its authority", "127.0.0.1", trusted, "the server's certificate is checked"],
  [
    "with TLS that anybody could offer",
    "127.0.0.1",
    "?sslmode=require",
    "! Any server may answer: use sslmode=verify-full.",
  ],
  [
    "whose authority is not known",
    "127.0.0.1",
    "?sslmode=verify-full",
    "! It cannot be used: its certificate is not trusted. Name its authority: ?sslrootcert=FILE.",
  ],
  // Another name of the same address.
  [
    "with the certificate of another name",
    "127.1",
    trusted,
    "! It cannot be used: its certificate is for another name.",
  ],
])("a server %s is reported", async (_what, host, parameters, expected) => {
  const url = server.url("postgres").replace("127.0.0.1", host);
  const found = await findings(`${url}${parameters}`);
  expect(found["TLS"] ?? found[`server ${host}:${server.port}/postgres`]).toBe(expected);
});

it("every connection of a host uses the TLS that its URL asks for", async () => {
  await using store = await createTestStore(server, (url) => `${url}${trusted}`);
  await Promise.all([
    store.head(),
    store.leases.hosts(),
    store.owners.owned({ host: "a", incarnation: 1 }),
  ]);
  await using client = await server.connect();
  const { rows } = await client.query(
    "SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE datname = $1",
    [store.database],
  );
  expect(rows).toEqual([{ ssl: true }]);
});
