// @module-tag needs-postgres
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  createTestStore,
  openTestStore,
  type TestStore,
} from "../../../../tests/harness/cluster-store.ts";
import { eventually } from "../../../../tests/harness/eventually.ts";
import { TestPostgres } from "../../../../tests/harness/postgres.ts";
import { type Clock, systemClock } from "../clock.ts";
import type { Change } from "../store/change.ts";
import { DatabaseTimeout, isAway } from "./postgres-error.ts";
import { PostgresServers } from "./postgres-servers.ts";
import { PostgresSession } from "./postgres-session.ts";
import { parseDatabaseUrl } from "./postgres-url.ts";

let primary: TestPostgres;
let standby: TestPostgres;
/** By way of the primary. */
let store: Awaited<ReturnType<typeof createTestStore>>;
let names = 0;

beforeAll(async () => {
  primary = await TestPostgres.start();
  standby = await TestPostgres.start({ standbyOf: primary });
  await primary.waitForStandby("standby");
  await using client = await primary.connect();
  await eventually(async () => {
    const { rows } = await client.query("SELECT sync_state FROM pg_stat_replication");
    return rows[0]?.sync_state === "sync";
  });
  store = await createTestStore(primary);
});
afterAll(async () => {
  await store?.close();
  await standby?.[Symbol.asyncDispose]();
  await primary?.[Symbol.asyncDispose]();
});

const newEnvironment = (): Change => ({
  kind: "environmentCreated",
  record: {
    environment: `n${++names}.lever`,
    corsOrigins: [],
    isPublic: true,
    network: "internet",
  },
});

it.each<[string, () => readonly string[], RegExp]>([
  [
    "a port without a server",
    () => ["postgres://u:p@127.0.0.1:1/d"],
    /: no server listens there\.$/,
  ],
  ["a database that is missing", () => [primary.url("none")], /Create it, owned by Lever's role/],
  [
    "a wrong password",
    () => [primary.url("postgres").replace("not-secret", "wrong")],
    /the password of the role is wrong\. Set it in the URL, in PGPASSWORD or/,
  ],
  [
    "a server without TLS, for a URL that asks for it,",
    () => [`${primary.url("postgres")}?sslmode=verify-full`],
    /: the server has no TLS\. Set ssl to on there, or, where nobody else reads the network,/,
  ],
  ["a standby alone", () => [standby.url("postgres")], /Give the URL of the primary too/],
])("%s is refused with a remedy", async (_name, urls, message) => {
  await expect(openTestStore({ urls: urls() })).rejects.toThrow(message);
});

it("a server that did not answer a moment ago counts as away, too", async () => {
  const servers = await PostgresServers.open({
    addresses: [parseDatabaseUrl("postgres://u:p@127.0.0.1:1/d")],
    memory: { read: async () => undefined, write: async () => {} },
    clock: systemClock,
    log: () => {},
    patience: 1,
  });
  const refusals = await Promise.allSettled([servers.connect(), servers.connect()]);
  refusals.push(...(await Promise.allSettled([servers.connect()])));
  expect(refusals.map((of) => of.status === "rejected" && isAway(of.reason))).toEqual([
    true,
    true,
    true,
  ]);
  await servers.close();
});

it("a role without rights is told what to grant", async () => {
  await using client = await primary.connect();
  await client.query("CREATE ROLE guest LOGIN PASSWORD 'not-secret'");
  await using store = await openTestStore({ urls: [primary.url("postgres", "guest")] });
  expect(await store.cluster()).toBeUndefined();
  await expect(store.createTables({ id: "c", keyId: "k" })).rejects.toThrow(
    "Cannot create the tables: the role has no right to do it. Let the role own the database",
  );
});

it("tables of a newer Lever are refused, and those of this one are found", async () => {
  const found = { id: store.database, generation: 1, isFounded: false, keyId: "key" };
  expect(await store.cluster()).toEqual(found);
  expect(await store.fill({ id: store.database, revision: 0, epoch: 0 }, [])).toBe(true);
  expect(await store.cluster()).toEqual({ ...found, isFounded: true });
  await using client = await primary.connect(store.database);
  await client.query("UPDATE lever.cluster SET format = 99");
  await expect(store.cluster()).rejects.toThrow("a newer Lever wrote it");
  await client.query("UPDATE lever.cluster SET format = 1");
});

it("settings of a role do not weaken a connection", async () => {
  const weak = { synchronous_commit: "off", client_min_messages: "error", statement_timeout: "7s" };
  await using client = await primary.connect();
  for (const [name, value] of Object.entries(weak)) {
    await client.query(`ALTER ROLE lever SET ${name} = '${value}'`);
  }
  const session = await openSession();
  const names = Object.keys(weak).map((name) => `current_setting('${name}') AS ${name}`);
  const { rows } = await session.query(`SELECT ${names.join()}`);
  expect(rows).toEqual([
    { synchronous_commit: "on", client_min_messages: "warning", statement_timeout: "0" },
  ]);
  await session.close();
  await client.query("ALTER ROLE lever RESET ALL");
});

it("a statement that gets no answer in time ends its connection", async () => {
  const timers = new Set<() => void>();
  const clock: Clock = {
    ...systemClock,
    setTimeout(callback) {
      timers.add(callback);
      return callback;
    },
    clearTimeout: (timer) => timers.delete(timer as () => void),
  };
  const session = await openSession(clock);
  expect(timers.size).toBe(0);
  const answer = session.query("SELECT pg_sleep(600)");
  const [timeOut] = timers;
  timeOut?.();
  await expect(answer).rejects.toThrow(DatabaseTimeout);
  expect([session.isOpen, timers.size]).toEqual([false, 0]);
  await expect(session.query("SELECT 1")).rejects.toThrow(DatabaseTimeout);
});

it("acknowledged changes survive the death of the primary, which is refused when it comes back", async () => {
  const urls = [primary, standby].map((server) => server.url(store.database));
  const memory = {};
  await using member = await openTestStore({ urls, memory });
  for (let i = 0; i < 5; i++) await member.commit(newEnvironment());
  const before = await member.head();
  const environments = await member.environments();

  await primary.stop();
  await expect(member.commit(newEnvironment())).rejects.toThrow("no server listens there");
  await using client = await standby.connect();
  await client.query("SELECT pg_promote()");
  const result = await commitAtLast(member);
  expect(result).toEqual({ outcome: "written", revision: before.revision + 1 });
  expect((await member.environments()).slice(0, 5)).toEqual(environments);
  expect(member.events).toContain("database promoted");

  // It is writable again, and the host's own memory is what refuses it.
  await primary.start();
  await expect(openTestStore({ urls: urls.slice(0, 1), memory })).rejects.toThrow(
    /it is a former primary \(timeline 00000001\), and another server has taken its place/,
  );
  await using again = await openTestStore({ urls, memory: {} });
  expect((await again.head()).revision).toBe(before.revision + 1);
});

function openSession(clock = systemClock): Promise<PostgresSession> {
  return PostgresSession.open(parseDatabaseUrl(primary.url("postgres")), { clock, patience: 8 });
}

/** Commits as soon as a server takes writes again. */
async function commitAtLast(member: TestStore): Promise<unknown> {
  const change = newEnvironment();
  return await eventually(() => member.commit(change).catch(() => undefined), { everyMs: 50 });
}
