// @module-tag needs-containers
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { InstancesReport } from "@leveros/protocol";
import { Client } from "leveros";
import { expect, test } from "vitest";
import { serviceArchive } from "../harness/archive.ts";
import { containerTraces, subnetOf } from "../harness/container-traces.ts";
import { deployArchive } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";

/** `LEVER_TESTS=long` starts and stops as many as are promised. */
const INSTANCES = process.env["LEVER_TESTS"] === "long" ? 2_000 : 60;
const SERVICES = 10;
const WARM = 2;

const ARGS = [
  ...["--limit", "idleTimeoutMs=100"],
  ...["--limit", `warmRuntimesMax=${WARM}`],
  ...["--limit", "loggedBytesPerSecondMax=1000"],
];

const names = Array.from({ length: SERVICES }, (_, index) => `svc${index}`);

const client = (lever: RunningLever): Client => new Client({ forceHost: lever.address });

const instancesOf = async (lever: RunningLever): Promise<InstancesReport> =>
  (await client(lever)
    .service("admin.lever", "admin")
    .invoke("listInstances", "dev.lever")) as InstancesReport;

async function deployAll(lever: RunningLever): Promise<void> {
  for (const name of names) {
    const deployed = await deployArchive(
      lever.address,
      serviceArchive({
        "lever.json": JSON.stringify({ name, jsEntry: "index.js", ram: 64 }),
        "index.js": `
          const fs = require("node:fs");
          exports.work = (n) => { console.log("line"); fs.writeFileSync("/tmp/x", "x"); fs.writeFileSync(process.env.LEVEROS_DATA_DIR + "/x", "x"); return n; };
          require("node:child_process").spawn("sleep", ["1000"]);`,
      }),
    );
    expect(deployed.status).toBe(200);
  }
}

/** Calls every service, so that an instance of each starts, or answers before it stops. */
async function callAll(lever: RunningLever): Promise<void> {
  const calls = names.map((name) => client(lever).service("dev.lever", name).invoke("work", 1));
  expect(await Promise.all(calls)).toEqual(names.map(() => 1));
}

async function untilIdle(lever: RunningLever): Promise<number> {
  for (;;) {
    const { instances, host } = await instancesOf(lever);
    if (instances.length === 0) return host.starts.count;
  }
}

const openFiles = (lever: RunningLever): number => readdirSync(`/proc/${lever.pid}/fd`).length;

/** How much there is of what belongs to the host, when its warm containers are there and no others. */
async function atRest(lever: RunningLever): Promise<{ traces: number; files: number }> {
  let traces = -1;
  let files = -1;
  await expect
    .poll(
      () => {
        const warm = bundles(lever).length;
        const before = traces;
        const [now, open] = [containerTraces(lever.dataDir).length, openFiles(lever)];
        const isSettled = now === before && open === files && warm === WARM;
        traces = now;
        files = open;
        return isSettled;
      },
      { timeout: 20_000, interval: 200 },
    )
    .toBe(true);
  return { traces, files };
}

const bundles = (lever: RunningLever): string[] =>
  containerTraces(lever.dataDir).filter((trace) => /\/bundles\/[0-9a-f]+$/.test(trace));

test("instances that come and go leave nothing behind, nor does a host that is killed among them", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "lever-leaks-"));
  let lever = await startLever({ dataDir, isolation: "oci", args: ARGS });
  await deployAll(lever);
  await callAll(lever);
  await untilIdle(lever);
  const first = await atRest(lever);
  for (let started = 0; started < INSTANCES / 2; ) {
    await callAll(lever);
    started = await untilIdle(lever);
  }
  const last = await atRest(lever);
  expect(last.traces).toBe(first.traces);
  // Connections of clients may be open.
  expect(last.files).toBeLessThan(first.files + 10);

  const subnet = subnetOf(dataDir);
  const cut = names.map((name) =>
    client(lever)
      .service("dev.lever", name)
      .invoke("work", 1)
      .catch(() => "cut"),
  );
  await lever.kill();
  await Promise.all(cut);
  expect(containerTraces(dataDir, subnet)).not.toEqual([]);

  lever = await startLever({ dataDir, isolation: "oci", args: ARGS });
  for (let started = 0; started < INSTANCES / 2; ) {
    await callAll(lever);
    started = await untilIdle(lever);
  }
  expect((await atRest(lever)).traces).toBe(first.traces);
  expect(await lever.stop()).toBe(0);
  expect(containerTraces(dataDir, subnet)).toEqual([]);
  rmSync(dataDir, { recursive: true });
}, 3_600_000);
