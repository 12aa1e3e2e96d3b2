import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Change } from "./change.ts";
import { openSqliteStore, type SqliteStore } from "./sqlite-store.ts";
import type { VersionRecord } from "./store.ts";
import { withVolatileVersions } from "./volatile-versions.ts";

let dir: string;
let durable: SqliteStore;
let store: SqliteStore;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "lever-volatile-"));
  durable = openSqliteStore(join(dir, "lever.sqlite"));
  store = withVolatileVersions(durable);
  await write({
    kind: "environmentCreated",
    record: { environment: "dev.lever", corsOrigins: [], isPublic: false, network: "internet" },
  });
});
afterEach(async () => {
  await durable.close();
  rmSync(dir, { recursive: true });
});

const versionOf = (service: string, version: number): VersionRecord => ({
  environment: "dev.lever",
  service,
  version,
  codeId: `${service}${version}`,
  leverJson: {
    name: service,
    description: "",
    jsEntry: "server.js",
    entry: undefined,
    private: false,
    maxInstanceLoad: 10,
    minInstances: 0,
    maxInstances: undefined,
    ram: 128,
    maxCpu: undefined,
    config: {},
  },
  methods: [],
  archiveBytes: 0,
  unpackedBytes: 1,
  deployedAt: "2026-03-01T10:00:00.000Z",
});

const live = async (): Promise<string[]> => {
  const found: string[] = [];
  for await (const { codeId } of store.liveVersions()) found.push(codeId);
  return found;
};

/** Returns the code that no version needs any more. */
async function write(change: Change): Promise<readonly string[]> {
  const result = await store.commit(change);
  if (result.outcome === "conflict") throw new Error(`There is a conflict: ${change.kind}`);
  return result.removedCode;
}

async function publish(service: string, version: number): Promise<readonly string[]> {
  await write({ kind: "versionReserved", environment: "dev.lever", service, version });
  const record = versionOf(service, version);
  return await write({ kind: "versionPublished", record, versionsKeptMax: 2 });
}

it("versions are numbered, live and kept as in the durable store", async () => {
  expect(await store.numbersOf("dev.lever", "shop")).toEqual({ live: 0, last: 0 });
  for (const version of [1, 2, 3]) {
    expect(await publish("shop", version)).toEqual(version === 3 ? ["shop1"] : []);
  }
  await publish("pay", 1);
  expect(await store.numbersOf("dev.lever", "shop")).toEqual({ live: 3, last: 3 });
  expect(await live()).toEqual(["shop3", "pay1"]);
  await write({ kind: "versionMadeLive", record: versionOf("shop", 2) });
  const place = { environment: "dev.lever", service: "shop" };
  expect(await write({ kind: "versionRemoved", ...place, version: 3 })).toEqual(["shop3"]);
  expect(await live()).toEqual(["shop2", "pay1"]);
  expect([...(await store.codeIds())]).toEqual(["shop2", "pay1"]);
  const gone: Change = { kind: "versionMadeLive", record: versionOf("shop", 1) };
  expect(await store.commit(gone)).toMatchObject({ outcome: "conflict" });
});

it("versions never reach the durable store, and variables do", async () => {
  await publish("shop", 1);
  expect((await store.versions("dev.lever")).length).toBe(1);
  expect(await durable.versions("dev.lever")).toEqual([]);
  const variable = { environment: "dev.lever", service: "", name: "A", value: "a" };
  const records = [{ ...variable, isSecret: false, setAt: "" }];
  await write({ kind: "variablesSet", environment: "dev.lever", records });
  expect((await durable.variables("dev.lever")).length).toBe(1);
});

it("a removed service, or one of a removed environment, is gone", async () => {
  await publish("shop", 1);
  await publish("pay", 1);
  const place = { environment: "dev.lever", service: "shop" };
  expect(await write({ kind: "serviceRemoved", ...place, keepsData: false })).toEqual(["shop1"]);
  expect(await durable.notes.unfinishedServiceRemovals()).toEqual([place]);
  expect(await live()).toEqual(["pay1"]);
  const { environment } = place;
  expect(await write({ kind: "environmentRemoved", environment, isForced: true })).toEqual([
    "pay1",
  ]);
  expect(await live()).toEqual([]);
});
