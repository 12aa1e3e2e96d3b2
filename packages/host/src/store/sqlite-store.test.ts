import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, it } from "vitest";
import { CHANGES_KEPT_MAX, type Change } from "./change.ts";
import { SCHEMA_VERSION, stepsFrom } from "./schema.ts";
import { openSqliteStore, type SqliteStore } from "./sqlite-store.ts";

let dir: string;
let file: string;
let store: SqliteStore;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "lever-sqlite-"));
  file = join(dir, "lever.sqlite");
  store = openSqliteStore(file);
});

afterEach(async () => {
  await store.close();
  rmSync(dir, { recursive: true });
});

const environment = "dev.lever";
const created: Change = {
  kind: "environmentCreated",
  record: { environment, corsOrigins: ["*"], isPublic: false, network: "internet" },
};
const set = (value: string): Change => ({
  kind: "variablesSet",
  environment,
  records: [{ environment, service: "", name: "A", value, isSecret: false, setAt: "" }],
});

it("notes of the host survive that the store is closed", async () => {
  await store.notes.write("boot", "1");
  await store.notes.write("boot", "2");
  await store.close();
  store = openSqliteStore(file);
  expect([await store.notes.read("boot"), await store.notes.read("none")]).toEqual([
    "2",
    undefined,
  ]);
});

it("a change that removes something notes the files that are left", async () => {
  const versions = [1, 2].flatMap((version): Change[] => {
    const service = `svc${version}`;
    const record = {
      environment,
      service,
      version: 1,
      codeId: service,
      leverJson: JSON.parse("{}"),
      methods: [],
      archiveBytes: 1,
      unpackedBytes: 1,
      deployedAt: "",
    };
    return [
      { kind: "versionReserved", environment, service, version: 1 },
      { kind: "versionPublished", record, versionsKeptMax: 2 },
    ];
  });
  for (const change of [created, ...versions]) await store.commit(change);
  const service = { environment, service: "svc1" };
  expect(
    await store.commit({ kind: "serviceRemoved", ...service, keepsData: false }),
  ).toMatchObject({ outcome: "written", removedCode: ["svc1"] });
  expect(
    await store.commit({ kind: "environmentRemoved", environment, isForced: true }),
  ).toMatchObject({ outcome: "written", removedCode: ["svc2"] });
  const { notes } = store;
  expect([await notes.unfinishedRemovals(), await notes.unfinishedServiceRemovals()]).toEqual([
    [environment],
    [service],
  ]);
  await notes.finishRemoval(environment);
  await notes.finishServiceRemoval(environment, "svc1");
  expect([await notes.unfinishedRemovals(), await notes.unfinishedServiceRemovals()]).toEqual([
    [],
    [],
  ]);
});

it("the last changes are kept, and older ones are gone", async () => {
  await store.commit(created);
  const database = `INSERT INTO changes SELECT ${CHANGES_KEPT_MAX}, kind, key, value, nonce FROM changes`;
  await store.close();
  change(database);
  store = openSqliteStore(file);
  await store.commit(set("one"));
  expect(await store.changesAfter(0, 1)).toBe("gone");
  expect(await store.changesAfter(CHANGES_KEPT_MAX, 9)).toMatchObject([{ change: set("one") }]);
});

it("a store that follows another one has the same content and revisions", async () => {
  const follower = openSqliteStore(join(dir, "follower.sqlite"));
  for (const change of [created, set("one"), set("two")]) await store.commit(change);
  const changes = await store.changesAfter(0, 10);
  for (const stored of changes === "gone" ? [] : changes) await follower.follow(stored);
  for (const read of [
    (of: SqliteStore) => of.environments(),
    (of: SqliteStore) => of.variables(environment),
    (of: SqliteStore) => of.head(),
    (of: SqliteStore) => of.revisionOf("variables dev.lever"),
  ]) {
    expect(await read(follower)).toEqual(await read(store));
  }
  await follower.close();
});

function change(sql: string): void {
  const database = new DatabaseSync(file);
  database.exec(sql);
  database.close();
}

it("a store of the version before opens with all that it had, and takes changes", async () => {
  await store.close();
  rmSync(file);
  for (const step of stepsFrom(0).filter(({ version }) => version <= 5)) {
    change(`${step.sql} PRAGMA user_version = ${step.version};`);
  }
  change(`
    INSERT INTO environments VALUES ('dev.lever', '["*"]', 0, '"internet"');
    INSERT INTO services VALUES ('dev.lever', 'svc', 2, 3);
    INSERT INTO versions VALUES ('dev.lever', 'svc', 2, 'code', '{"name":"svc"}', '["a"]', 1, 2, 'then');
    INSERT INTO variables VALUES ('dev.lever', '', 'A', 'one', 0, 'then');
    INSERT INTO tokens VALUES ('t1', 'hash', '["*"]', '["admin"]', '', 1, NULL);
    INSERT INTO audit (at, principal, method, environment, target, outcome) VALUES (1, 't1', 'm', '*', '', 'done');
    INSERT INTO host_values VALUES ('boot', 'b'), ('removed environment old.lever', '')`);
  store = openSqliteStore(file);
  expect(await store.environments()).toHaveLength(1);
  expect(await store.numbersOf(environment, "svc")).toEqual({ live: 2, last: 3 });
  expect(await store.codeIds()).toEqual(new Set(["code"]));
  expect([await store.tokens(), await store.audit(9)]).toMatchObject([[{ id: "t1" }], [{ at: 1 }]]);
  expect([await store.notes.read("boot"), await store.notes.unfinishedRemovals()]).toEqual([
    "b",
    ["old.lever"],
  ]);
  expect(await store.head()).toEqual({ revision: 0, nonce: "" });
  expect(await store.commit(created)).toEqual({ outcome: "conflict", revision: 0 });
  expect(await store.commit(set("two"), 0)).toMatchObject({ outcome: "written", revision: 1 });
  expect(await store.variables(environment)).toMatchObject([{ value: "two" }]);
});

it.each([
  [SCHEMA_VERSION + 1, "newer", "a newer Lever wrote it"],
  [3, "older", "an older, unreleased Lever wrote it"],
])(
  "a file whose schema has version %i, which is %s, is refused",
  async (version, problem, message) => {
    await store.close();
    change(`PRAGMA user_version = ${version}`);
    expect(() => openSqliteStore(file)).toThrow(
      expect.objectContaining({ problem, message: expect.stringContaining(message) }),
    );
  },
);

it("a store can be opened by one process at a time", () => {
  const script = `
    import { openSqliteStore } from ${JSON.stringify(import.meta.resolve("./sqlite-store.ts"))};
    try { openSqliteStore(${JSON.stringify(file)}); } catch (error) { console.log(error.problem, error.message); }`;
  const args = ["--conditions=lever-source", "--input-type=module", "-e", script];
  const { stdout } = spawnSync(process.execPath, args, { encoding: "utf8" });
  expect(stdout).toMatch(/^inUse Cannot open the store .*: another Lever host has it open\.\n$/);
});
