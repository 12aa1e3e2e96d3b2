import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunningLever } from "../../tests/harness/lever.ts";
import { alternate } from "../alternate.ts";
import { atMost, type Figure, measured, ratios } from "../figure.ts";
import { Caller, median } from "../load.ts";
import { proportionalBytes } from "../process-figures.ts";
import {
  type BenchRun,
  deploy,
  listInstances,
  type Scenario,
  startHost,
  untilInstances,
} from "../scenario.ts";

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
    while (next < count) await deploy(lever, `${prefix}-${next++}`, code);
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

/** The memory of idle instances, beside as many idle Node processes. */
async function idleInstances(run: BenchRun): Promise<Figure[]> {
  const node: number[] = [];
  const byIsolation = { process: [] as number[], oci: [] as number[] };
  let whyNoContainers = "";
  for (let round = 0; round < run.rounds; round++) {
    run.spin();
    node.push(await idleNodeBytes());
    for (const isolation of ["process", "oci"] as const) {
      try {
        byIsolation[isolation].push(await idleInstanceBytes(isolation));
      } catch (error) {
        if (isolation === "process") throw error;
        [whyNoContainers = ""] = String(error).split("\n");
      }
    }
  }
  const mb = (bytes: readonly number[]): number[] => bytes.map((value) => value / 1e6);
  const chart = "idle processes: MB of each (PSS)";
  return [
    measured("idle node process, MB", mb(node), { chart, label: "node" }),
    ...Object.entries(byIsolation).flatMap(([isolation, bytes]) =>
      bytes.length === 0
        ? [{ name: "Lever, oci could not run", value: whyNoContainers }]
        : [
            measured(`idle instance (${isolation}), MB`, mb(bytes), {
              chart,
              label: `Lever, ${isolation}`,
            }),
            atMost(`idle instance (${isolation}) / node`, ratios(bytes, node), 1.2),
          ],
    ),
  ];
}

/** Of each of some idle Node processes, which share their program's pages as instances do. */
async function idleNodeBytes(): Promise<number> {
  const script = 'process.stdout.write("up"); setInterval(() => {}, 1e8);';
  const children = Array.from({ length: INSTANCES }, () =>
    spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "ignore"] }),
  );
  try {
    await Promise.all(children.map((child) => once(child.stdout, "data")));
    return median(children.map(({ pid = 0 }) => proportionalBytes(pid)));
  } finally {
    await Promise.all(
      children.map((child) => {
        child.kill("SIGKILL");
        return once(child, "close");
      }),
    );
  }
}

async function idleInstanceBytes(isolation: "process" | "oci"): Promise<number> {
  await using lever = await startHost({ warmRuntimesMax: 0 }, { isolation });
  using caller = new Caller(lever.address);
  await deploy(lever, "idle", code, { minInstances: INSTANCES });
  const { instances } = await untilInstances(
    lever,
    "idle",
    (report) => report.instances.filter(({ state }) => state === "ready").length === INSTANCES,
  );
  for (let i = 0; i < INSTANCES; i++) await caller.call("/idle/sayHello", ["x"]);
  return median(instances.map(({ pid }) => proportionalBytes(pid)));
}

/** A host with very many services, beside one with one. */
async function servicesAtZero(run: BenchRun): Promise<Figure[]> {
  await using few = await startHost();
  await deploy(few, "warm", code, { minInstances: 1 });
  const dataDir = mkdtempSync(join(tmpdir(), "lever-bench-"));
  const start = (): Promise<RunningLever> =>
    startHost({ idleTimeoutMs: 300, scaleDownAfterMs: 300 }, { dataDir });
  const early = Math.min(BEFORE, Math.ceil(run.services / 2));
  const further = run.services - early;
  try {
    let many = await start();
    await deploy(many, "warm", code, { minInstances: 1 });
    await deployMany(many, "early", early);
    await many.stop();
    const before = await settledBytes(start);
    many = await start();
    await deployMany(many, "idle", further);
    // What the deploys themselves left in its memory is not the services'.
    await many.stop();
    const kB = ((await settledBytes(start)) - before) / further / 1_000;
    const startedAt = performance.now();
    many = await start();
    const startMs = performance.now() - startedAt;
    using fewCaller = new Caller(few.address);
    using manyCaller = new Caller(many.address);
    // Both have compiled what they run before it counts.
    for (const caller of [fewCaller, manyCaller]) await warmCall(caller);
    const warm = await alternate(run, [fewCaller, manyCaller], warmCall);
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
