// @module-tag needs-postgres
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { parseLeverJson } from "@leveros/protocol";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createTestStore, openTestStore } from "../../../../tests/harness/cluster-store.ts";
import { collect } from "../../../../tests/harness/collect.ts";
import {
  type DatabaseProxy,
  startDatabaseProxy,
} from "../../../../tests/harness/database-proxy.ts";
import { eventually } from "../../../../tests/harness/eventually.ts";
import { TestPostgres } from "../../../../tests/harness/postgres.ts";
import { SmallDisk } from "../../../../tests/harness/small-disk.ts";
import { describeStore } from "../../../../tests/harness/store-contract.ts";
import { makeTemporaryFolder } from "../../../../tests/harness/temporary-folder.ts";
import type { Change } from "../store/change.ts";
import { openSqliteStore } from "../store/sqlite-store.ts";
import type { Store } from "../store/store.ts";
import type { FeedPosition, Replica } from "./postgres-feed.ts";

let server: TestPostgres;
let proxy: DatabaseProxy;
/** Reaches the server by way of the proxy. */
let store: Awaited<ReturnType<typeof createTestStore>>;
let admin: Awaited<ReturnType<TestPostgres["connect"]>>;
let names = 0;

beforeAll(async () => {
  server = await TestPostgres.start();
  proxy = await startDatabaseProxy(server.port);
  store = await createTestStore(server, proxy.url);
  admin = await server.connect(store.database);
  await admin.query("SET search_path = lever");
});
afterAll(async () => {
  await admin?.end();
  await store?.close();
  await proxy?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

/** All tests have one store: to connect, and to create tables, takes longer than a test. Each begins with empty tables. */
describeStore("PostgreSQL", async () => {
  const tables = "changes revisions environments services versions variables routes tokens audit";
  for (const table of tables.split(" ")) await sql(`DELETE FROM ${table}`);
  await sql("UPDATE cluster SET revision = 0");
  return {
    open: async () => ({ ...store, close: async () => {} }),
    fillAudit: (count) =>
      sql(`
        INSERT INTO audit (at, principal, method, environment, target, outcome)
        SELECT at, 't2', 'm', '*', '', 'done' FROM generate_series(1, ${count}) at`),
    remove: async () => {},
  };
});

const parsed = parseLeverJson('{"name": "svc", "jsEntry": "a.js"}');
if (!parsed.ok) throw new Error(parsed.errors.join());
const code = { codeId: "c", leverJson: parsed.leverJson, methods: ["m"], deployedAt: "now" };

const newEnvironment = (
  environment = `n${++names}.lever`,
  corsOrigins: readonly string[] = [],
): Change => ({
  kind: "environmentCreated",
  record: {
    environment,
    corsOrigins,
    isPublic: true,
    network: "internet",
  },
});

/** Runs SQL as a user who may do everything, in Lever's tables. */
async function sql(text: string): Promise<void> {
  await admin.query(text);
}

it("a change whose COMMIT arrived, but not its answer, is written", async () => {
  const before = await store.head();
  proxy.onNextCommit("unanswered");
  const result = await store.commit(newEnvironment());
  expect(result).toEqual({ outcome: "written", revision: before.revision + 1 });
});

it("a change whose COMMIT did not arrive is refused, and not written", async () => {
  const before = await store.head();
  proxy.onNextCommit("lost");
  await expect(store.commit(newEnvironment())).rejects.toThrow(
    "Cannot save the change: the connection to the database broke. Try again.",
  );
  expect(await store.head()).toEqual(before);
});

it("a change after its connection broke is written by a new one", async () => {
  proxy.cut();
  await expect(store.commit(newEnvironment())).rejects.toThrow("Cannot");
  proxy.open();
  await eventually(() => store.commit(newEnvironment()).catch(() => false as const));
  expect(store.events).toEqual([]);
});

/** Collects what a follower is given, as a host's replica does. */
function follower(
  from: FeedPosition,
): Replica & { readonly seen: number[]; readonly reasons: string[] } {
  let position = from;
  const seen: number[] = [];
  const reasons: string[] = [];
  return {
    seen,
    reasons,
    position: () => position,
    async apply({ revision, nonce }) {
      position = { ...position, revision, nonce };
      seen.push(revision);
    },
    async reload(reason) {
      reasons.push(reason);
      position = await store.snapshot(async (snapshot) => snapshot.position);
    },
  };
}

async function positionNow(): Promise<FeedPosition> {
  return { generation: 1, ...(await store.head()) };
}

it("a follower is given each revision once, in order, while connections break", async () => {
  const start = await positionNow();
  const replica = follower(start);
  await using other = await openTestStore({ urls: [server.url(store.database)] });
  await using _feed = { [Symbol.asyncDispose]: () => feed.close() };
  const feed = store.follow(replica);
  feed.start();
  const write = async (): Promise<void> => {
    for (let i = 0; i < 10; i++) await other.commit(newEnvironment());
  };
  const writers = [write(), write()];
  await eventually(() => replica.seen.length > 3);
  proxy.cut();
  proxy.open();
  await Promise.all([...writers, write()]);
  const { revision } = await other.head();
  await eventually(() => replica.position().revision === revision);
  const all = Array.from({ length: revision - start.revision }, (_, at) => start.revision + 1 + at);
  expect(replica.seen).toEqual(all);
  expect(replica.reasons).toEqual([]);
});

it.each([
  {
    what: "whose last change was lost in a fail-over",
    text: "UPDATE changes SET nonce = 'another' WHERE revision = (SELECT revision FROM cluster)",
    reason: "the database has lost its last changes in a fail-over",
  },
  {
    what: "that is ahead of the database",
    text: "DELETE FROM changes WHERE revision = (SELECT revision FROM cluster); UPDATE cluster SET revision = revision - 1",
    reason: "the database has lost its last changes in a fail-over",
  },
  {
    what: "of the time before a restore",
    text: "UPDATE cluster SET generation = 2",
    reason: "a backup was restored",
    end: "UPDATE cluster SET generation = 1",
  },
])("a follower $what is reloaded", async ({ text, reason, end }) => {
  await store.commit(newEnvironment());
  const replica = follower(await positionNow());
  await sql(text);
  await using _feed = { [Symbol.asyncDispose]: () => feed.close() };
  const feed = store.follow(replica);
  feed.start();
  await eventually(() => replica.reasons.includes(reason));
  const { revision } = await store.head();
  await eventually(() => replica.position().revision === revision);
  expect(store.events).toContain("state reloaded");
  if (end !== undefined) await sql(end);
});

it("a follower that was away for longer than changes are kept is reloaded", async () => {
  await sql("DELETE FROM changes WHERE revision < (SELECT revision FROM cluster)");
  const replica = follower({ generation: 1, revision: 0, nonce: "" });
  await using _feed = { [Symbol.asyncDispose]: () => feed.close() };
  const feed = store.follow(replica);
  feed.start();
  await eventually(() => replica.reasons.length > 0);
  expect(replica.reasons).toEqual(["this host was away for too many changes"]);
  expect(await store.changesAfter(0, 10)).toBe("gone");
});

it("a host's own store is a copy of one revision after it has read a snapshot", async () => {
  const environment = "copied.lever";
  const version = { environment, service: "svc", version: 3 };
  const record = { ...version, ...code, archiveBytes: 5_000_000_000, unpackedBytes: 2 };
  const token = { id: "t", hash: "h", environments: ["*"], rights: ["admin" as const], note: "" };
  const changes: readonly Change[] = [
    newEnvironment("copied.lever"),
    { kind: "versionReserved", ...version },
    { kind: "versionPublished", record, versionsKeptMax: 5 },
    { kind: "routeAdded", record: { host: "a.example", path: "/b", environment, service: "svc" } },
    { kind: "tokenCreated", record: { ...token, createdAt: 1, expiresAt: undefined } },
    { kind: "tokenCreated", record: { ...token, id: "s", createdAt: 1, expiresAt: 2 } },
    {
      kind: "audited",
      record: { at: 1, principal: "p", method: "m", environment: "", target: "", outcome: "done" },
    },
  ];
  for (const change of changes) await store.commit(change);
  await using folder = await makeTemporaryFolder();
  const copy = openSqliteStore(join(folder.path, "lever.sqlite"));
  const questions = (of: Store): Promise<unknown> =>
    Promise.all([
      of.head(),
      of.environments(),
      of.versions("copied.lever"),
      of.numbersOf("copied.lever", "svc"),
      of.routes(),
      of.tokens(),
      of.audit(9),
      of.revisionOf("service copied.lever/svc"),
    ]);
  const before = await questions(store);
  const tables = await store.snapshot(async (snapshot) => {
    await store.commit(newEnvironment());
    return await collect(snapshot.rows());
  });
  await copy.replaceState(tables);
  expect(await questions(copy)).toEqual(before);
  await copy.close();
});

it("a COMMIT whose wait for the standby was cancelled is written only when the standby has it", async () => {
  await server.waitForStandby("missing");
  let isDone = true;
  let last: ReturnType<typeof store.commit> | undefined;
  try {
    // The server follows its settings a little later.
    await eventually(async () => {
      if (isDone) {
        isDone = false;
        last = store.commit(newEnvironment()).finally(() => {
          isDone = true;
        });
      }
      return await server.cancelWaits(store.database);
    });
    // Looking for the outcome waits for the standby, too.
    await eventually(async () => (await server.waits(store.database)) > 0);
    expect(isDone).toBe(false);
  } finally {
    await server.waitForStandby("");
  }
  expect(await last).toMatchObject({ outcome: "written" });
});

it("a full disk of the database refuses changes with a sentence, and nothing is written", {
  tags: ["needs-root"],
}, async () => {
  using disk = new SmallDisk();
  await using client = await server.connect();
  await client.query(`CREATE TABLESPACE small LOCATION '${disk.dataDir}'`);
  await client.query("CREATE DATABASE small OWNER lever TABLESPACE small");
  await using small = await openTestStore({ urls: [server.url("small")] });
  await small.createTables({ id: "small", keyId: "key" });
  await client.query("CHECKPOINT");
  disk.fill();
  const origins = Array.from({ length: 3_000 }, () => `https://${randomUUID()}.example`);
  const large = newEnvironment("large.lever", origins);
  await expect(small.commit(large)).rejects.toThrow(
    "Cannot save the change: the disk of the database is full. Free some of it.",
  );
  disk.free();
  expect((await small.head()).revision).toBe(0);
  expect(await small.commit(large)).toMatchObject({ outcome: "written", revision: 1 });
  await small.close();
  await client.query("DROP DATABASE small WITH (FORCE)");
  await client.query("DROP TABLESPACE small");
});

it("an archive is read as it was stored, and another one in its place is refused", async () => {
  const parts = [Buffer.alloc(700_000, "a"), Buffer.alloc(700_000, "b"), Buffer.from("end")];
  await store.archives.put("code", ReadableStream.from([Buffer.from("another")]));
  await store.archives.put("code", ReadableStream.from(parts));
  const read = await collect(store.archives.get("code"));
  expect(read.map(({ length }) => length)).toEqual([1_048_576, 351_427]);
  expect(Buffer.concat(read).equals(Buffer.concat(parts))).toBe(true);
  await sql("UPDATE archive_parts SET bytes = 'x' WHERE part = 1");
  await expect(collect(store.archives.get("code"))).rejects.toThrow("its SHA-256");
  await expect(collect(store.archives.get("none"))).rejects.toThrow("is not in the");
  await sql("UPDATE archives SET storedAt = storedAt - interval '2 hours'");
  expect(await store.archives.removeUnneeded()).toBe(1);
});
