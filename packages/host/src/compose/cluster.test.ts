// @module-tag needs-postgres
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultLimits, parseLeverJson } from "@leveros/protocol";
import { afterAll, beforeAll, expect, it } from "vitest";
import { TestPostgres } from "../../../../tests/harness/postgres.ts";
import { systemClock } from "../clock.ts";
import { ClusterKey } from "../cluster/cluster-key.ts";
import { SecretBox } from "../environments/secret-box.ts";
import type { SqliteStore } from "../store/sqlite-store.ts";
import { Cluster } from "./cluster.ts";
import type { ClusterOptions } from "./cluster-options.ts";
import { createAdminToken } from "./create-admin-token.ts";
import { openData } from "./open-data.ts";

const root = mkdtempSync(join(tmpdir(), "lever-cluster-"));
const keyFile = join(root, "cluster.key");
let server: TestPostgres;
let databases: Record<string, string> = {};

beforeAll(async () => {
  server = await TestPostgres.start();
  writeFileSync(keyFile, ClusterKey.create());
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  rmSync(root, { recursive: true });
});

/** The URL of the database of a test. */
async function urlOf(name: string): Promise<string> {
  databases = { [name]: server.url(await server.createDatabase()), ...databases };
  return databases[name] ?? "";
}

const options = (url: string, more: Partial<ClusterOptions> = {}): ClusterOptions => ({
  urls: [url],
  keyFile,
  hostName: "a",
  founds: false,
  discardsLocal: false,
  isNewIdentity: false,
  isNewDatabase: false,
  peerBind: undefined,
  peerAddress: undefined,
  ...more,
});

interface OpenedHost extends AsyncDisposable {
  readonly cluster: Cluster;
  readonly store: SqliteStore;
  readonly events: readonly string[];
}

/** Opens a data folder and its cluster, without the other parts of a host. */
async function open(folderName: string, given: ClusterOptions): Promise<OpenedHost> {
  const { folder, store } = openData(join(root, folderName));
  const events: string[] = [];
  const log = (_level: string, _part: string, event: string): void => void events.push(event);
  try {
    const about = { options: given, folder, store, clock: systemClock, log };
    const cluster = await Cluster.open({ ...about, bind: "127.0.0.1", limits: defaultLimits });
    return {
      ...{ cluster, store, events },
      async [Symbol.asyncDispose]() {
        await cluster.close();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

const parsed = parseLeverJson('{"name": "svc", "jsEntry": "a.js"}');
if (!parsed.ok) throw new Error(parsed.errors.join());
const place = { environment: "dev.lever", service: "svc" };
const record = {
  ...{ ...place, version: 1, codeId: "c0de", leverJson: parsed.leverJson, methods: ["m"] },
  ...{ archiveBytes: 7, unpackedBytes: 2, deployedAt: "now" },
};

/** A data folder with a service, its archive, a secret and its data. */
async function fill(folderName: string): Promise<void> {
  const { folder, store } = openData(join(root, folderName));
  const box = new SecretBox(folder.secretKeyFile);
  const secret = { ...place, name: "KEY", value: box.seal("x1", "dev.lever/svc/KEY") };
  await store.commit({
    kind: "environmentCreated",
    record: { environment: "dev.lever", corsOrigins: [], isPublic: false, network: "internet" },
  });
  await store.commit({ kind: "versionReserved", ...place, version: 1 });
  await store.commit({ kind: "versionPublished", record, versionsKeptMax: 5 });
  const records = [{ ...secret, isSecret: true, setAt: "now" }];
  await store.commit({ kind: "variablesSet", environment: "dev.lever", records });
  for (const name of ["archives", "services/dev.lever/svc"]) {
    await mkdir(join(folder.dir, name), { recursive: true });
  }
  writeFileSync(join(folder.dir, "archives", "c0de.tar.gz"), "archive");
  writeFileSync(join(folder.dir, "services/dev.lever/svc/file"), "data");
  await store.close();
}

it("a founded cluster has the services, secrets and archives of its first host", async () => {
  const url = await urlOf("founded");
  await fill("founder");
  await using first = await open("founder", options(url, { founds: true }));
  await using second = await open("joiner", options(url, { hostName: "b" }));
  for (const { store, cluster } of [first, second]) {
    expect(await store.versions("dev.lever")).toEqual([record]);
    const [secret] = await store.secrets(9);
    expect(cluster.shared.box.open(secret?.value ?? "", "dev.lever/svc/KEY")).toBe("x1");
  }
  const file = join(root, "fetched");
  await second.cluster.shared.archives.fetch("c0de", file);
  expect(await readFile(file, "utf8")).toBe("archive");
  expect(await second.store.head()).toEqual(await first.store.head());
  expect(first.events).toContain("cluster founded");
});

it("an empty folder founds a cluster with the environment dev.lever", async () => {
  await using first = await open("empty", options(await urlOf("empty"), { founds: true }));
  expect((await first.store.environments()).map((of) => of.environment)).toEqual(["dev.lever"]);
});

it.each<[what: string, folder: string, more: Partial<ClusterOptions>, message: string]>([
  ["another --found", "late", { founds: true }, "Start without --found"],
  ["a folder with services", "full", {}, "or give them up with --discard-local"],
  [
    "the key of another cluster",
    "keyed",
    { keyFile: join(root, "other.key") },
    "Copy the key file",
  ],
  ["a missing key", "keyless", { keyFile: join(root, "none") }, "lever cluster key new"],
])("a founded cluster refuses %s", async (_what, folder, more, message) => {
  const url = databases["founded"] ?? "";
  writeFileSync(join(root, "other.key"), ClusterKey.create());
  if (folder === "full") await fill(folder);
  await expect(open(folder, options(url, more))).rejects.toThrow(message);
});

it("a host that gives up what it has loses the data of its services, too", async () => {
  const url = databases["founded"] ?? "";
  await fill("given-up");
  await using host = await open("given-up", options(url, { discardsLocal: true, hostName: "c" }));
  expect((await host.store.head()).revision).toBeGreaterThan(0);
  const file = join(root, "given-up/services/dev.lever/svc/file");
  await expect(readFile(file)).rejects.toMatchObject({ code: "ENOENT" });
});

it("a host of one cluster refuses the database of another one", async () => {
  const url = await urlOf("second");
  await (await open("second", options(url, { founds: true })))[Symbol.asyncDispose]();
  await expect(open("second", options(databases["founded"] ?? ""))).rejects.toThrow(
    "Give the URL of the former, or start with an empty data folder",
  );
});

it("a port for other hosts that is in use is refused with its option", async () => {
  const given = options(databases["second"] ?? "");
  await using lives = await open("second", given);
  await lives.cluster.member.join();
  const [, port] = /:(\d+)$/.exec(lives.cluster.member.hosts[0]?.address ?? "") ?? [];
  const peerBind = { bind: "127.0.0.1", port: Number(port) };
  await expect(open("late", { ...given, hostName: "b", peerBind })).rejects.toThrow(
    "the port is in use. It is for the other hosts: choose another one with --peer-bind.",
  );
});

it("a copy of a folder is refused while its host lives, unless it becomes another host", async () => {
  const url = databases["second"] ?? "";
  await using lives = await open("second", options(url));
  await lives.cluster.member.join();
  lives.cluster.member.start();
  cpSync(join(root, "second"), join(root, "copy"), { recursive: true });
  await expect(open("copy", options(url, { hostName: "b" }))).rejects.toThrow(
    "start it with --new-identity and another --host-name",
  );
  await using other = await open("copy", options(url, { hostName: "b", isNewIdentity: true }));
  expect(other.cluster.member.id).not.toBe(lives.cluster.member.id);
});

it("a new admin token of a stopped host is the cluster's, and its other hosts get it", async () => {
  const url = databases["second"] ?? "";
  const { id } = await createAdminToken(join(root, "second"), [url]);
  await using other = await open("other", options(url, { hostName: "b" }));
  expect(await other.store.tokens()).toMatchObject([{ id, environments: ["*"] }]);
  expect(await other.store.audit(1)).toMatchObject([{ principal: "reset", target: id }]);
});

it.each([
  ["a host of a cluster alone", "second", [], "Name its database with --cluster"],
  ["a host of another cluster", "second", ["founded"], "is not the data folder of a host of the"],
])("a new admin token is refused for %s", async (_what, folder, names, message) => {
  const urls = names.map((name) => databases[name] ?? "");
  await expect(createAdminToken(join(root, folder), urls)).rejects.toThrow(message);
});
