import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunningLever } from "../../tests/harness/lever.ts";
import { Caller, median, quantile } from "../../tests/harness/load.ts";
import { deployService, testService } from "../../tests/harness/test-service.ts";
import { atMost, type Figure, measured, ratios } from "../figure.ts";
import { measureNodeStart } from "../node-start.ts";
import type { Peer } from "../peer.ts";
import { functionsFramework } from "../peers/functions-framework.ts";
import { workerd } from "../peers/workerd.ts";
import { type Scenario, startHost, untilInstances } from "../scenario.ts";

const COLD_CALLS = 20;
const SERVICES = 20;
const LIMITS = { idleTimeoutMs: 80, scaleDownAfterMs: 80 };
const code = 'exports.sayHello = (name) => "Hello, " + name + "!";';
type Isolation = "process" | "oci";

/** The results of one host in one round. */
interface ColdCalls {
  readonly medianMs: number;
  readonly p99Ms: number;
  /** From the beginning of a deploy to the first reply. */
  readonly deployMs: number;
  readonly wrong: number;
  readonly failedAtOnce: number;
  /** The first calls that a host gets for its services, after its start. */
  readonly firstMs: number;
}

export const coldStart: Scenario = {
  name: "cold-start",
  about:
    "the first HTTP call of a service at zero, beside the time that node takes to run an empty script, and that others take from their start to a first reply",
  async run(run): Promise<readonly Figure[]> {
    const series = new Map<string, number[]>();
    const note = (name: string, value: number): void => {
      series.set(name, [...(series.get(name) ?? []), value]);
    };
    const absent = new Map<string, string>();
    const tryTo = async (name: string, measure: () => Promise<void>): Promise<void> => {
      if (absent.has(name)) return;
      try {
        await measure();
      } catch (error) {
        absent.set(name, String(error).split("\n")[0] ?? "");
      }
    };
    for (let round = 0; round < run.rounds; round++) {
      run.calibrate();
      note("node", await measureNodeStart());
      for (const isolation of ["process", "oci"] as const) {
        await tryTo(`Lever, ${isolation}`, async () => {
          for (const [of, value] of Object.entries(await coldCalls(isolation))) {
            note(`${isolation} ${of}`, value);
          }
        });
      }
      for (const peer of [workerd, functionsFramework]) {
        await tryTo(peer.name, async () => note(peer.name, await startMs(peer)));
      }
    }
    return [
      ...[...absent].map(([name, value]) => ({ name: `${name} could not run`, value })),
      ...figuresOf((name) => series.get(name) ?? []),
    ];
  },
};

async function startMs(peer: Peer): Promise<number> {
  const startedAt = performance.now();
  await using _running = await peer.start();
  return performance.now() - startedAt;
}

const untilColdOn = (lever: RunningLever): Promise<unknown> =>
  untilInstances(
    lever,
    undefined,
    ({ instances, host }) => instances.length === 0 && host.warmReady >= host.warmWanted,
  );

async function coldCalls(isolation: Isolation): Promise<ColdCalls> {
  const dataDir = mkdtempSync(join(tmpdir(), "lever-bench-"));
  try {
    const calls = await callsOfOneHost(isolation, dataDir);
    return { ...calls, firstMs: await firstCallsMs(isolation, dataDir) };
  } finally {
    rmSync(dataDir, { recursive: true });
  }
}

/** The median of the first call of each service, by a host that has just started. */
async function firstCallsMs(isolation: Isolation, dataDir: string): Promise<number> {
  await using lever = await startHost(LIMITS, { isolation, dataDir });
  using caller = new Caller(lever.address);
  const times: number[] = [];
  for (let i = 0; i < SERVICES; i++) {
    await untilColdOn(lever);
    times.push((await caller.call(`/cold-${i}/sayHello`, ["x"])).ms);
  }
  return median(times);
}

async function callsOfOneHost(
  isolation: Isolation,
  dataDir: string,
): Promise<Omit<ColdCalls, "firstMs">> {
  await using lever = await startHost(LIMITS, { isolation, dataDir });
  using caller = new Caller(lever.address);
  const untilCold = (): Promise<unknown> => untilColdOn(lever);
  const deployTimes: number[] = [];
  for (let i = 0; i < 5; i++) {
    await untilCold();
    const startedAt = performance.now();
    await deployService(lever, testService(code, { name: `fresh-${i}` }));
    await caller.call(`/fresh-${i}/sayHello`, ["x"]);
    deployTimes.push(performance.now() - startedAt);
  }
  await deployService(lever, testService(code, { name: "cold" }));
  const times: number[] = [];
  let wrong = 0;
  for (let i = 0; i < COLD_CALLS; i++) {
    await untilCold();
    const { status, text, ms, headers } = await caller.call("/cold/sayHello", [i]);
    if (status !== 200 || text !== `"Hello, ${i}!"` || !("server-timing" in headers)) wrong++;
    times.push(ms);
  }
  for (let i = 0; i < SERVICES; i++) {
    await deployService(lever, testService(code, { name: `cold-${i}` }));
  }
  await untilCold();
  const atOnce = await Promise.all(
    Array.from({ length: SERVICES }, (_, i) => caller.call(`/cold-${i}/sayHello`, ["x"])),
  );
  return {
    medianMs: median(times),
    p99Ms: quantile(times, 0.99),
    deployMs: median(deployTimes),
    wrong,
    failedAtOnce: atOnce.filter(({ status }) => status !== 200).length,
  };
}

function figuresOf(of: (name: string) => number[]): Figure[] {
  const node = of("node");
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  const chart = "cold start: ms to the first reply";
  const own = (["process", "oci"] as const).flatMap((isolation): Figure[] => {
    const series = (name: keyof ColdCalls): number[] => of(`${isolation} ${name}`);
    if (series("medianMs").length === 0) return [];
    const bar = { chart, label: `Lever, ${isolation}` };
    return [
      measured(`cold call (${isolation}), median, ms`, series("medianMs"), bar),
      ...(isolation === "process"
        ? [
            atMost("cold call / node", ratios(series("medianMs"), node), 0.25),
            atMost("cold call, p99 / node", ratios(series("p99Ms"), node), 1),
            atMost("deploy to first reply / node", ratios(series("deployMs"), node), 3),
          ]
        : [
            measured("deploy to first reply (oci) / node", ratios(series("deployMs"), node)),
            atMost(
              "cold call, oci / process",
              ratios(series("medianMs"), of("process medianMs")),
              2,
            ),
            atMost(
              "first cold call after the start (oci) / node",
              ratios(series("firstMs"), node),
              0.35,
            ),
          ]),
      measured(`deploy to first reply (${isolation}), ms`, series("deployMs")),
      atMost(`wrong answers (${isolation})`, sum(series("wrong")), 0),
      atMost(
        `failed of ${SERVICES} services at once (${isolation})`,
        sum(series("failedAtOnce")),
        0,
      ),
    ];
  });
  const others = [workerd, functionsFramework].flatMap(({ name }): Figure[] => {
    if (of(name).length === 0) return [];
    const ratio = ratios(of("process medianMs"), of(name));
    const title = `cold call / start of ${name}`;
    return [
      measured(`start of ${name} to its first reply, ms`, of(name), { chart, label: name }),
      name === workerd.name ? atMost(title, ratio, 0.2) : measured(title, ratio),
    ];
  });
  return [
    measured("node on an empty script, ms", node, { chart, label: "node, empty script" }),
    ...own,
    ...others,
  ];
}
