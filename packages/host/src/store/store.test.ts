import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { parseLeverJson } from "@leveros/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SCHEMA_VERSION } from "./schema.ts";
import { openSqliteStore, type SqliteStore } from "./sqlite-store.ts";
import type { TokenRecord, VersionRecord } from "./store.ts";

interface Engine {
  open(dir: string): SqliteStore;
  /** Adds records with the times 1 to `count` to the audit of a closed store, faster than one at a time. */
  fillAudit(dir: string, count: number): void;
}

// Every engine of the store passes this suite.
const engines: Readonly<Record<string, Engine>> = {
  sqlite: {
    open: (dir) => openSqliteStore(join(dir, "lever.sqlite")),
    fillAudit(dir, count) {
      const database = new DatabaseSync(join(dir, "lever.sqlite"));
      database.exec(`
        WITH RECURSIVE times (at) AS (SELECT 1 UNION ALL SELECT at + 1 FROM times WHERE at < ${count})
        INSERT INTO audit (at, principal, method, environment, target, outcome)
        SELECT at, 't2', 'm', '*', '', 'done' FROM times`);
      database.close();
    },
  },
};

const outcome = parseLeverJson('{"name": "abc", "jsEntry": "a.js", "config": {"é": [1]}}');
if (!outcome.ok) throw new Error(outcome.errors.join());
const { leverJson } = outcome;

const record = (service: string, version: number): VersionRecord => ({
  environment: "dev.lever",
  service,
  version,
  codeId: `${service}-${version}`,
  leverJson,
  methods: ["one", "two"],
  archiveBytes: 10,
  unpackedBytes: 20,
  deployedAt: "2026-01-01T00:00:00.000Z",
});

describe.each(Object.entries(engines))("the store on %s", (_name, { open, fillAudit }) => {
  let dir: string;
  let store: SqliteStore;

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "lever-store-"));
    store = open(dir);
  });

  afterEach(async () => {
    await store.close();
    rmSync(dir, { recursive: true });
  });

  const liveVersions = async (): Promise<VersionRecord[]> => {
    const all: VersionRecord[] = [];
    for await (const one of store.liveVersions()) all.push(one);
    return all;
  };

  const publish = (service: string, version: number, versionsKeptMax = 10) =>
    store.publishVersion(record(service, version), { versionsKeptMax });

  it("returns what was written, also after it was closed and opened", async () => {
    const environment = {
      environment: "b.lever",
      corsOrigins: ["*"],
      isPublic: false,
      network: "internet",
    } as const;
    const other = { ...environment, environment: "a.lever", corsOrigins: [], isPublic: true };
    const changed = { ...environment, corsOrigins: ["https://x.example"], network: ["dns"] };
    await store.putEnvironment(environment);
    await store.putEnvironment(other);
    await store.putEnvironment(changed);
    await publish("svc", 1);
    await store.notes.write("boot", "1");
    await store.notes.write("boot", "2");
    await store.close();
    store = open(dir);
    expect(await store.environments()).toEqual([other, changed]);
    const [live] = await liveVersions();
    expect(JSON.parse(JSON.stringify(live))).toEqual(JSON.parse(JSON.stringify(record("svc", 1))));
    expect(await store.notes.read("boot")).toBe("2");
    expect(await store.notes.read("none")).toBeUndefined();
  });

  it("makes a published version live, and counts the next one on", async () => {
    expect(await store.nextVersion("dev.lever", "svc")).toBe(1);
    await publish("svc", 1);
    await publish("svc", 2);
    await publish("other", 1);
    expect(await store.nextVersion("dev.lever", "svc")).toBe(3);
    const live = (await liveVersions()).map(({ service, version }) => [service, version]);
    expect(live.sort()).toEqual([
      ["other", 1],
      ["svc", 2],
    ]);
    const all = (await store.versions("dev.lever")).map(({ codeId }) => codeId);
    expect(all).toEqual(["other-1", "svc-2", "svc-1"]);
    expect(await store.versions("no.lever")).toEqual([]);
  });

  it("never gives a number twice, neither after a removal nor after a failed deploy", async () => {
    for (let version = 1; version <= 2; version++) await publish("svc", version);
    await store.removeService("dev.lever", "svc", { keepsData: false });
    expect([await liveVersions(), await store.versions("dev.lever")]).toEqual([[], []]);
    expect(await store.nextVersion("dev.lever", "svc")).toBe(3);
    await store.spendVersion("dev.lever", "svc", 3);
    await store.spendVersion("dev.lever", "new", 1);
    expect(await store.nextVersion("dev.lever", "new")).toBe(2);
    await publish("svc", 4);
    await store.spendVersion("dev.lever", "svc", 4);
    expect(await store.nextVersion("dev.lever", "svc")).toBe(5);
    expect((await liveVersions()).map(({ version }) => version)).toEqual([4]);
  });

  it("makes only a kept version live again", async () => {
    for (let version = 1; version <= 3; version++) await publish("svc", version, 2);
    await store.makeLive("dev.lever", "svc", 2);
    expect((await liveVersions()).map(({ version }) => version)).toEqual([2]);
    expect(await store.nextVersion("dev.lever", "svc")).toBe(4);
    await expect(store.makeLive("dev.lever", "svc", 1)).rejects.toThrow("There is no version 1");
    expect((await liveVersions()).map(({ version }) => version)).toEqual([2]);
  });

  it("removes and returns the oldest versions beyond the limit", async () => {
    for (let version = 1; version <= 3; version++) {
      expect(await publish("svc", version, 3)).toEqual([]);
    }
    const dropped = await publish("svc", 4, 3);
    expect(dropped.map(({ codeId }) => codeId)).toEqual(["svc-1"]);
    expect(await store.codeIds()).toEqual(new Set(["svc-2", "svc-3", "svc-4"]));
  });

  it("changes nothing when a version exists already (T2)", async () => {
    await publish("svc", 1);
    await publish("svc", 2);
    await expect(publish("svc", 1, 1)).rejects.toThrow();
    expect((await liveVersions())[0]?.version).toBe(2);
    expect(await store.codeIds()).toEqual(new Set(["svc-1", "svc-2"]));
  });

  it("stores tokens, and the newest records of the audit", async () => {
    const token: TokenRecord = {
      id: "t1",
      hash: "abc",
      environments: ["*"],
      rights: ["admin"],
      note: "",
      createdAt: 1,
      expiresAt: undefined,
    };
    await store.putToken(token);
    await store.putToken({ ...token, id: "t2", hash: "def", expiresAt: 5 });
    await store.removeToken("t1");
    expect(await store.tokens()).toEqual([{ ...token, id: "t2", hash: "def", expiresAt: 5 }]);
    const entry = { principal: "t2", method: "m", environment: "*", target: "", outcome: "done" };
    await store.close();
    fillAudit(dir, 10_000);
    store = open(dir);
    for (let at = 10_001; at <= 10_002; at++) await store.addAudit({ ...entry, at });
    await store.addAudit({ ...entry, at: 10_003, version: 7 });
    expect(await store.audit(2)).toEqual([
      { ...entry, at: 10_002 },
      { ...entry, at: 10_003, version: 7 },
    ]);
    const kept = await store.audit(20_000);
    expect(kept).toHaveLength(10_000);
    expect(kept[0]?.at).toBe(4);
  });

  it.each([
    [SCHEMA_VERSION + 1, "newer", "a newer Lever wrote it"],
    [3, "older", "an older, unreleased Lever wrote it"],
  ])(
    "refuses a file whose schema has version %i, which is %s",
    async (version, problem, message) => {
      await store.close();
      const database = new DatabaseSync(join(dir, "lever.sqlite"));
      database.exec(`PRAGMA user_version = ${version}`);
      database.close();
      expect(() => open(dir)).toThrow(
        expect.objectContaining({ problem, message: expect.stringContaining(message) }),
      );
    },
  );

  it("may be closed twice", async () => {
    await store.close();
    await store.close();
  });

  it("can be opened by one process at a time", () => {
    const script = `
      import { openSqliteStore } from ${JSON.stringify(import.meta.resolve("./sqlite-store.ts"))};
      try { openSqliteStore(${JSON.stringify(join(dir, "lever.sqlite"))}); } catch (error) { console.log(error.problem, error.message); }`;
    const args = ["--conditions=lever-source", "--input-type=module", "-e", script];
    const { stdout } = spawnSync(process.execPath, args, { encoding: "utf8" });
    expect(stdout).toMatch(/^inUse Cannot open the store .*: another Lever host has it open\.\n$/);
  });
});
