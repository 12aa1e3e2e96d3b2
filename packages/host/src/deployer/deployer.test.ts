import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { defaultLimits, LeverError } from "@leveros/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { serviceArchive } from "../../../../tests/harness/archive.ts";
import { stateOf } from "../../../../tests/harness/state-of.ts";
import { SimulatedHost } from "../../../../tests/simulation/simulated-host.ts";
import { KeyedQueue } from "../keyed-queue.ts";
import { openSqliteStore, type SqliteStore } from "../store/sqlite-store.ts";
import type { VersionRecord } from "../store/store.ts";
import { CodeStore } from "./code-store.ts";
import { Deployer } from "./deployer.ts";
import { KeptVersions } from "./kept-files.ts";

const ENVIRONMENT = "dev.lever";
const limits = { ...defaultLimits, versionsKeptMax: 2 };

let folder: string;
let store: SqliteStore;
let host: SimulatedHost;
let deployer: Deployer;
/** Environments that were removed. */
let removed: Set<string>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "lever-deployer-"));
  store = openSqliteStore(join(folder, "lever.sqlite"));
  const network = "internet" as const;
  await store.commit({
    kind: "environmentCreated",
    record: { environment: ENVIRONMENT, corsOrigins: [], isPublic: false, network },
  });
  host = new SimulatedHost();
  removed = new Set();
  const code = new CodeStore(folder, limits);
  await code.open(store.notes, await store.codeIds());
  deployer = new Deployer({
    store,
    state: stateOf(store, (applied) => deployer.apply(applied)),
    code,
    keptVersions: new KeptVersions({ store, code, limits }),
    transform: async () => {},
    removals: { finish: async () => {} },
    turns: new KeyedQueue(),
    environments: {
      require(environment) {
        if (removed.has(environment)) throw new LeverError("unknown_environment", "It is gone.");
        return { environment, corsOrigins: [], isPublic: false, network };
      },
    },
    fleet: host.fleet,
    router: host.router,
    limits,
    clock: host.clock,
    log() {},
  });
});

afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

async function* archiveOf(name: string): AsyncGenerator<Uint8Array> {
  const leverJson = JSON.stringify({ name, jsEntry: "server.js" });
  yield serviceArchive({ "lever.json": leverJson, "server.js": "" });
}

/** Lets the host's clock go on until the work has ended. */
async function finished<Result>(work: Promise<Result>): Promise<Result> {
  let isOver = false;
  const over = (): void => {
    isOver = true;
  };
  work.then(over, over);
  while (!isOver) {
    await host.pass(10);
    await turn();
  }
  return await work;
}

const deploy = async (name = "svc"): Promise<number> =>
  (await finished(deployer.deploy(ENVIRONMENT, archiveOf(name)))).version;

const liveVersion = (): number | undefined => host.fleet.service(ENVIRONMENT, "svc")?.live.version;

/** How many archives and folders of code there are. */
const codeKept = (): number[] =>
  ["archives", "code"].map((name) => readdirSync(join(folder, name)).length);

/** Deploys while the store does something else instead of publishing the version. */
async function deployWhile(
  publish: (original: SqliteStore["commit"]) => SqliteStore["commit"],
): Promise<unknown> {
  const original = store.commit;
  const publishes = publish(original);
  store.commit = (change, expected) =>
    (change.kind === "versionPublished" ? publishes : original)(change, expected);
  try {
    return await deploy().catch((error: unknown) => error);
  } finally {
    store.commit = original;
  }
}

it("a version with files alone has no instance, and its files are made again", async () => {
  const leverJson = JSON.stringify({ name: "svc", static: "public" });
  async function* archive(): AsyncGenerator<Uint8Array> {
    yield serviceArchive({ "lever.json": leverJson, "public/index.html": "page" });
  }
  await finished(deployer.deploy(ENVIRONMENT, archive()));
  const pageOf = (): string => {
    const site = host.router.sites.of(ENVIRONMENT, "svc");
    expect(site).toMatchObject({ methods: [], hasFetch: false });
    return readFileSync(join(site?.files?.folder ?? "", "index.html"), "utf8");
  };
  expect(pageOf()).toBe("page");
  expect(host.living.length).toBe(0);
  rmSync(join(folder, "code"), { recursive: true });
  for await (const record of store.liveVersions()) await deployer.goLive(record);
  expect(pageOf()).toBe("page");
});

describe("a deploy that fails", () => {
  it("leaves neither code nor an instance, and the old version live (D2)", async () => {
    await deploy();
    const outcome = await deployWhile(() => async () => {
      throw new Error("The disk is full.");
    });
    await host.pass(1_000);
    expect(String(outcome)).toContain("The disk is full.");
    expect([codeKept(), host.living.length, liveVersion()]).toEqual([[1, 1], 1, 1]);
  });

  it("keeps the code of its version once the transaction has decided (D1)", async () => {
    const outcome = await deployWhile((original) => async (change, expected) => {
      await original(change, expected);
      throw new Error("The answer got lost.");
    });
    expect(String(outcome)).toContain("The answer got lost.");
    expect([codeKept(), await store.codeIds()]).toEqual([[1, 1], expect.any(Set)]);
    expect((await store.versions(ENVIRONMENT)).length).toBe(1);
  });

  it("because its environment is removed while it starts leaves nothing in the store", async () => {
    host.onLaunch = () => removed.add(ENVIRONMENT);
    await expect(deploy()).rejects.toMatchObject({ code: "unknown_environment" });
    await host.pass(1_000);
    expect(await store.versions(ENVIRONMENT)).toEqual([]);
    expect([codeKept(), host.living.length]).toEqual([[0, 0], 0]);
  });

  it("because its instance does not start leaves nothing but its number", async () => {
    host.onLaunch = (runtime) => runtime.kill();
    await expect(deploy()).rejects.toMatchObject({ code: "start_failed" });
    expect([codeKept(), liveVersion()]).toEqual([[0, 0], undefined]);
    host.onLaunch = () => {};
    await deploy();
    expect(liveVersion()).toBe(2);
  });

  it("because another host made a higher version live leaves that one", async () => {
    await deploy();
    const [live] = await store.versions(ENVIRONMENT);
    const higher = { ...live, version: 7, codeId: "higher" } as VersionRecord;
    const outcome = await deployWhile((original) => async (change, expected) => {
      const { environment, service } = higher;
      await original({ kind: "versionReserved", environment, service, version: 7 });
      await original({ kind: "versionPublished", record: higher, versionsKeptMax: 2 });
      return await original(change, expected);
    });
    expect(String(outcome)).toContain("Cannot make version 2 of svc live: version 7 went live");
    expect((await store.versions(ENVIRONMENT)).map(({ version }) => version)).toEqual([7, 1]);
  });
});

describe("a deploy", () => {
  it("gets no calls before its version is in the store (D1)", async () => {
    await deploy();
    let during: number | undefined;
    await deployWhile((original) => (change, expected) => {
      during = liveVersion();
      return original(change, expected);
    });
    expect([during, liveVersion()]).toEqual([1, 2]);
  });

  it("removes the code of versions that are no longer kept", async () => {
    for (let i = 0; i < 4; i++) await deploy();
    while (codeKept().join() !== "2,2") await turn();
    expect((await store.versions(ENVIRONMENT)).map(({ version }) => version)).toEqual([4, 3]);
  });

  it("of one service waits for the one before it (D3)", async () => {
    const both = [1, 2].map(() => deployer.deploy(ENVIRONMENT, archiveOf("svc")));
    const versions = (await finished(Promise.all(both))).map(({ version }) => version);
    expect(versions.sort()).toEqual([1, 2]);
    expect(liveVersion()).toBe(2);
  });
});

describe("a rollback", () => {
  it("goes to the newest version that is older than the live one", async () => {
    for (let i = 0; i < 2; i++) await deploy();
    const report = await finished(deployer.rollBack(ENVIRONMENT, "svc"));
    expect(report).toMatchObject({ version: 1, previousVersion: 2 });
    expect(liveVersion()).toBe(1);
    await expect(finished(deployer.rollBack(ENVIRONMENT, "svc"))).rejects.toThrow(
      "there is no older version; kept are 2, 1, and 1 is live",
    );
  });
});

it("a restart names the services that do not start again, which keep their instances", async () => {
  await deploy("bad");
  await deploy("good");
  // The candidate of `bad`, and the three that are started in its place.
  host.onLaunch = (runtime) => {
    if (host.runtimes.length > 2 && host.runtimes.length <= 6) runtime.kill();
  };
  const report = await finished(deployer.restartInstances(ENVIRONMENT, ""));
  expect(report).toMatchObject({ isDeployed: true, restarted: ["good"] });
  expect(report.failed.map(({ service }) => service)).toEqual(["bad"]);
  await host.pass(1_000);
  expect(host.living).toHaveLength(2);
});
