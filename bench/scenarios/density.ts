import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listInstances } from "../../tests/harness/admin.ts";
import type { RunningLever } from "../../tests/harness/lever.ts";
import { Caller, median } from "../../tests/harness/load.ts";
import { deployService, testService } from "../../tests/harness/test-service.ts";
import { atMost, type Figure, measured, ratios } from "../figure.ts";
import { interleave } from "../interleave.ts";
import { proportionalBytes } from "../process-figures.ts";
import { type BenchRun, type Scenario, startHost, untilInstances } from "../scenario.ts";

/** With which the host's heap has its size already: what is measured is what each further service costs. */
const BEFORE = 1_000;
const INSTANCES = 10;
const CALLS = 3_000;
const STARTS = 5;
const code = 'exports.sayHello = (name) => "Hello, " + name + "!";';

/** Median time of a call of a warm service, one after the other. */
async function warmCall(caller: Caller): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < CALLS; i++) times.push((await caller.call("/warm/sayHello", ["x"])).ms);
  return median(times);
}

/** Deploys so many services, some at once. */
async function deployMany(lever: RunningLever, prefix: string, count: number): Promise<void> {
  let next = 0;
  const deployer = async (): Promise<void> => {
    while (next < count) {
      await deployService(lever, testService(code, { name: `${prefix}-${next++}` }));
    }
  };
  await Promise.all(Array.from({ length: 4 }, deployer));
  await untilInstances(lever, undefined, ({ instances }) => instances.length === 1);
}

/**
 * The memory of a host that has just been started: the median of some starts. What calls then add is the calls' own, and
 * goes in steps as the heap's young part grows.
 */
async function settledBytes(start: () => Promise<RunningLever>): Promise<number> {
  const bytes: number[] = [];
  for (let round = 0; round < STARTS; round++) {
    const lever = await start();
    bytes.push((await listInstances(lever, "warm")).host.memoryBytes);
    await lever.stop();
  }
  return median(bytes);
}

export const density: Scenario = {
  name: "density",
  about: "what idle instances, and services at zero, cost a host",
  async run(run): Promise<readonly Figure[]> {
    return [...(await idleInstances(run)), ...(await servicesAtZero(run))];
  },
};

/**
 * The memory of idle instances, beside as many Node processes that wait in an empty script. Both are there at the same
 * time, so that what all of them share is divided among the same number.
 */
async function idleInstances(run: BenchRun): Promise<Figure[]> {
  const byIsolation = { process: [] as IdleBytes[], oci: [] as IdleBytes[] };
  let whyNoContainers = "";
  for (let round = 0; round < run.rounds; round++) {
    run.calibrate();
    for (const isolation of ["process", "oci"] as const) {
      try {
        byIsolation[isolation].push(await idleBytes(isolation));
      } catch (error) {
        if (isolation === "process") throw error;
        [whyNoContainers = ""] = String(error).split("\n");
      }
    }
  }
  const mb = (bytes: readonly number[]): number[] => bytes.map((value) => value / 1e6);
  const chart = "idle processes: MB of each (PSS)";
  const nodes = byIsolation.process.map(({ node }) => node);
  return [
    measured("idle node process, MB", mb(nodes), { chart, label: "node" }),
    ...Object.entries(byIsolation).flatMap(([isolation, idle]) => {
      if (idle.length === 0) return [{ name: "Lever, oci could not run", value: whyNoContainers }];
      const instances = idle.map(({ instance }) => instance);
      const bar = { chart, label: `Lever, ${isolation}` };
      return [
        measured(`idle instance (${isolation}), MB`, mb(instances), bar),
        atMost(
          `idle instance (${isolation}) / node`,
          ratios(
            instances,
            idle.map(({ node }) => node),
          ),
          1.2,
        ),
      ];
    }),
  ];
}

/** The median memory of a process of each kind. */
interface IdleBytes {
  readonly instance: number;
  readonly node: number;
}

/** Instances that have served a call each, with the flags that Lever gives them; Node as it comes. */
async function idleBytes(isolation: "process" | "oci"): Promise<IdleBytes> {
  await using lever = await startHost({ warmRuntimesMax: 0 }, { isolation });
  using caller = new Caller(lever.address);
  await deployService(lever, testService(code, { name: "idle", minInstances: INSTANCES }));
  const { instances } = await untilInstances(
    lever,
    "idle",
    (report) => report.instances.filter(({ state }) => state === "ready").length === INSTANCES,
  );
  // They take turns.
  for (let i = 0; i < INSTANCES; i++) await caller.call("/idle/sayHello", ["x"]);
  await using nodes = await startIdleNodes();
  return {
    instance: median(instances.map(({ pid }) => proportionalBytes(pid))),
    node: median(nodes.pids.map(proportionalBytes)),
  };
}

async function startIdleNodes(): Promise<AsyncDisposable & { readonly pids: readonly number[] }> {
  const folder = mkdtempSync(join(tmpdir(), "lever-bench-"));
  const script = join(folder, "idle.js");
  // It says that it is there by what Node has loaded already.
  writeFileSync(script, 'require("fs").writeSync(1, "up"); setInterval(() => {}, 1e8);');
  const children = Array.from({ length: INSTANCES }, () =>
    spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "ignore"] }),
  );
  await Promise.all(children.map((child) => once(child.stdout, "data")));
  return {
    pids: children.map(({ pid = 0 }) => pid),
    async [Symbol.asyncDispose]() {
      const closed = children.map((child) => once(child, "close"));
      for (const child of children) child.kill("SIGKILL");
      await Promise.all(closed);
      rmSync(folder, { recursive: true });
    },
  };
}

/** A host with very many services, beside one with one. */
async function servicesAtZero(run: BenchRun): Promise<Figure[]> {
  await using few = await startHost();
  await deployService(few, testService(code, { name: "warm", minInstances: 1 }));
  const dataDir = mkdtempSync(join(tmpdir(), "lever-bench-"));
  const start = (): Promise<RunningLever> =>
    startHost({ idleTimeoutMs: 300, scaleDownAfterMs: 300 }, { dataDir });
  const early = Math.min(BEFORE, Math.ceil(run.services / 2));
  const further = run.services - early;
  try {
    let many = await start();
    await deployService(many, testService(code, { name: "warm", minInstances: 1 }));
    await deployMany(many, "early", early);
    await many.stop();
    const before = await settledBytes(start);
    many = await start();
    await deployMany(many, "idle", further);
    // A new host has no memory left over from the deploys.
    await many.stop();
    const kB = ((await settledBytes(start)) - before) / further / 1_000;
    const startedAt = performance.now();
    many = await start();
    const startMs = performance.now() - startedAt;
    using fewCaller = new Caller(few.address);
    using manyCaller = new Caller(many.address);
    // Both have compiled what they run before it counts.
    for (const caller of [fewCaller, manyCaller]) await warmCall(caller);
    const warm = await interleave(run, [fewCaller, manyCaller], warmCall);
    await many.stop();
    const [one = [], all = []] = warm.values();
    return [
      measured("services", run.services),
      measured("start of the host with all of them, ms", startMs),
      atMost("memory of a service at zero, kB", kB, 5),
      measured("warm call with one service, ms", one),
      atMost("warm call with all of them / with one", ratios(all, one), 1.1),
    ];
  } finally {
    rmSync(dataDir, { recursive: true });
  }
}
