import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openSqliteStore } from "./sqlite-store.ts";
import type { Store, VersionRecord } from "./store.ts";
import { withVolatileVersions } from "./volatile-versions.ts";

let dir: string;
let durable: Store;
let store: Store;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "lever-volatile-"));
  durable = openSqliteStore(join(dir, "lever.sqlite"));
  store = withVolatileVersions(durable);
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

it("versions are numbered, live and kept as in the durable store", async () => {
  expect(await store.nextVersion("dev.lever", "shop")).toBe(1);
  for (const version of [1, 2, 3]) {
    const dropped = await store.publishVersion(versionOf("shop", version), { versionsKeptMax: 2 });
    expect(dropped.map(({ codeId }) => codeId)).toEqual(version === 3 ? ["shop1"] : []);
  }
  await store.publishVersion(versionOf("pay", 1), { versionsKeptMax: 2 });
  expect(await store.nextVersion("dev.lever", "shop")).toBe(4);
  expect(await live()).toEqual(["shop3", "pay1"]);
  await store.makeLive("dev.lever", "shop", 2);
  await store.removeVersion("dev.lever", "shop", 3);
  expect(await live()).toEqual(["shop2", "pay1"]);
  expect([...(await store.codeIds())]).toEqual(["shop2", "pay1"]);
  await expect(store.makeLive("dev.lever", "shop", 1)).rejects.toThrow("no version 1 of shop");
});

it("versions never reach the durable store, and variables do", async () => {
  await store.publishVersion(versionOf("shop", 1), { versionsKeptMax: 2 });
  expect((await store.versions("dev.lever")).length).toBe(1);
  expect(await durable.versions("dev.lever")).toEqual([]);
  const variable = { environment: "dev.lever", service: "", name: "A", value: "a" };
  await store.putVariables([{ ...variable, isSecret: false, setAt: "" }]);
  expect((await durable.variables("dev.lever")).length).toBe(1);
});

it("a removed service, or one of a removed environment, is gone", async () => {
  await store.publishVersion(versionOf("shop", 1), { versionsKeptMax: 2 });
  await store.publishVersion(versionOf("pay", 1), { versionsKeptMax: 2 });
  await store.removeService("dev.lever", "shop", { keepsData: true });
  expect(await live()).toEqual(["pay1"]);
  await store.removeEnvironment("dev.lever");
  expect(await live()).toEqual([]);
});
