import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunningLever } from "../../tests/harness/lever.ts";
import { Caller, median } from "../load.ts";
import {
  deploy,
  type Figure,
  listInstances,
  type Scenario,
  startHost,
  untilInstances,
} from "../scenario.ts";

const SERVICES = 5_000;
/** With which the host's heap has its size already: what is measured is what each further service costs. */
const BEFORE = 1_000;
const CALLS = 3_000;
const ROUNDS = 3;
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

export const idleServices: Scenario = {
  name: "idle-services",
  about: `a host with ${BEFORE + SERVICES} services at zero, beside one with one service`,
  async run(): Promise<readonly Figure[]> {
    await using few = await startHost();
    await deploy(few, "warm", code, { minInstances: 1 });
    const dataDir = mkdtempSync(join(tmpdir(), "lever-bench-"));
    const start = (): Promise<RunningLever> =>
      startHost({ idleTimeoutMs: 300, scaleDownAfterMs: 300 }, dataDir);
    try {
      let many = await start();
      await deploy(many, "warm", code, { minInstances: 1 });
      await deployMany(many, "early", BEFORE);
      await many.stop();
      const before = await settledBytes(start);
      many = await start();
      await deployMany(many, "idle", SERVICES);
      // What the deploys themselves left in its memory is not the services'.
      await many.stop();
      const kB = ((await settledBytes(start)) - before) / SERVICES / 1_000;
      const startedAt = performance.now();
      many = await start();
      const startMs = performance.now() - startedAt;
      using fewCaller = new Caller(few.address);
      using manyCaller = new Caller(many.address);
      // Both have compiled what they run before it counts.
      for (const caller of [fewCaller, manyCaller]) await warmCall(caller);
      const ratios: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const one = await warmCall(fewCaller);
        ratios.push((await warmCall(manyCaller)) / one);
      }
      await many.stop();
      const warm = median(ratios);
      return [
        { name: "start of the host with all of them, ms", value: startMs },
        { name: "memory of a service at zero, kB", value: kB, isKept: kB <= 5 },
        { name: "warm call / with one service", value: warm, isKept: warm <= 1.1 },
      ];
    } finally {
      rmSync(dataDir, { recursive: true });
    }
  },
};
