// @module-tag needs-containers
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "leveros";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { listInstances } from "../harness/admin.ts";
import { containerTraces, subnetOf } from "../harness/container-traces.ts";
import { eventually } from "../harness/eventually.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

/** `LEVER_TESTS=long` starts and stops as many instances as are promised. */
const INSTANCES = process.env["LEVER_TESTS"] === "long" ? 2_000 : 20;
const SERVICES = 10;
const WARM = 2;

const ARGS = [
  ...["--limit", "idleTimeoutMs=100"],
  ...["--limit", `warmRuntimesMax=${WARM}`],
  ...["--limit", "loggedBytesPerSecondMax=1000"],
];

const names = Array.from({ length: SERVICES }, (_, index) => `svc${index}`);

const client = (lever: RunningLever): Client => new Client({ forceHost: lever.address });

const SERVICE = `
  const fs = require("node:fs");
  exports.work = (n) => { console.log("line"); fs.writeFileSync("/tmp/x", "x"); fs.writeFileSync(process.env.LEVEROS_DATA_DIR + "/x", "x"); return n; };
  require("node:child_process").spawn("sleep", ["1000"]);`;

async function deployAll(lever: RunningLever): Promise<void> {
  for (const name of names) await deployService(lever, testService(SERVICE, { name, ram: 64 }));
}

/** Calls every service, so that an instance of each starts, or answers before it stops. */
async function callAll(lever: RunningLever): Promise<void> {
  const calls = names.map((name) => client(lever).service("dev.lever", name).invoke("work", 1));
  expect(await Promise.all(calls)).toEqual(names.map(() => 1));
}

/** Returns how many instances the host has started, once none is left. */
function untilIdle(lever: RunningLever): Promise<number> {
  return eventually(async () => {
    const { instances, host } = await listInstances(lever);
    return instances.length === 0 && host.starts.count;
  });
}

const openFiles = (lever: RunningLever): number => readdirSync(`/proc/${lever.pid}/fd`).length;

interface Traces {
  readonly traces: number;
  readonly files: number;
}

/** Counts what belongs to the host, once its warm containers are ready and no others are left. */
function atRest(lever: RunningLever): Promise<Traces> {
  let last: Traces = { traces: -1, files: -1 };
  return eventually(
    () => {
      const before = last;
      last = { traces: containerTraces(lever.dataDir).length, files: openFiles(lever) };
      const isSettled = last.traces === before.traces && last.files === before.files;
      return isSettled && bundles(lever).length === WARM && last;
    },
    { everyMs: 200 },
  );
}

const bundles = (lever: RunningLever): string[] =>
  containerTraces(lever.dataDir).filter((trace) => /\/bundles\/[0-9a-f]+$/.test(trace));

/** Starts and stops half of the instances. */
async function comeAndGo(lever: RunningLever): Promise<void> {
  for (let started = 0; started < INSTANCES / 2; ) {
    await callAll(lever);
    started = await untilIdle(lever);
  }
}

describe(`${INSTANCES} instances that start and stop`, () => {
  const dataDir = mkdtempSync(join(tmpdir(), "lever-leaks-"));
  let lever: RunningLever;
  let first: Traces;
  let subnet: string | undefined;

  beforeAll(async () => {
    lever = await startLever({ dataDir, isolation: "oci", args: ARGS });
    await deployAll(lever);
    await callAll(lever);
    await untilIdle(lever);
    first = await atRest(lever);
    subnet = subnetOf(dataDir);
  }, 60_000);

  afterAll(() => rmSync(dataDir, { recursive: true }));

  test("instances that start and stop leave nothing on the machine", async () => {
    await comeAndGo(lever);
    const last = await atRest(lever);
    expect(last.traces).toBe(first.traces);
    // Connections of clients may be open.
    expect(last.files).toBeLessThan(first.files + 10);
  }, 3_600_000);

  describe("a host that starts after one that was killed", () => {
    beforeAll(async () => {
      const interrupted = names.map((name) =>
        client(lever)
          .service("dev.lever", name)
          .invoke("work", 1)
          .catch(() => "interrupted"),
      );
      await lever.kill();
      await Promise.all(interrupted);
      lever = await startLever({ dataDir, isolation: "oci", args: ARGS });
    }, 3_600_000);

    test("a host that starts mounts the disks of its services before they are called", async () => {
      const disk = / \/run\/lever\/[0-9a-f]+\/services\/\d+\/data /;
      await eventually(
        () => containerTraces(dataDir).filter((trace) => disk.test(trace)).length === SERVICES,
        { everyMs: 200 },
      );
      expect((await listInstances(lever)).host.starts.count).toBe(0);
    }, 3_600_000);

    test("what a killed host has left of its containers is removed by the next host", async () => {
      await comeAndGo(lever);
      expect((await atRest(lever)).traces).toBe(first.traces);
    }, 3_600_000);
  });

  test("lever doctor --clean removes what a killed host without a data folder has left", async () => {
    const before = (await atRest(lever)).traces;
    const other = await startLever({ isolation: "oci" });
    await deployService(other, testService(SERVICE, { name: "other" }));
    const range = subnetOf(other.dataDir);
    await other.kill();
    rmSync(other.dataDir, { recursive: true });
    const { status, stdout } = await lever.lever(["doctor", "--clean"]);
    expect(status, stdout).toBe(0);
    expect(containerTraces(other.dataDir, range)).toEqual([]);
    // Nothing of the host that runs.
    expect((await atRest(lever)).traces).toBe(before);
    await callAll(lever);
    await untilIdle(lever);
  }, 3_600_000);

  test("a host that stops leaves nothing on the machine", async () => {
    expect(await lever.stop()).toBe(0);
    expect(containerTraces(dataDir, subnet)).toEqual([]);
  });
});
