import { availableParallelism } from "node:os";
import { childrenOf } from "../../tests/harness/child-processes.ts";
import { greeting, load, warmUp } from "../comparison.ts";
import { atMost, type Figure, measured, ratios } from "../figure.ts";
import { interleave } from "../interleave.ts";
import { programPath, type RunningPeer } from "../peer.ts";
import { lever } from "../peers/lever.ts";
import { bareNode } from "../peers/node.ts";
import { runTool } from "../run-tool.ts";
import type { Scenario } from "../scenario.ts";

const workload = greeting(32);
const CAPACITY_SECONDS = 2;
const PART = 0.5;

/** A load that is measured. */
interface Way {
  readonly name: string;
  readonly peer: RunningPeer;
  readonly perSecond: number;
}

interface Times {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
}

export const openLoad: Scenario = {
  name: "open-load",
  group: "off-path",
  about:
    "calls at random times, half as many as can be answered; the caller has a core of its own, and all processes of each server share the other cores",
  async run(run): Promise<readonly Figure[]> {
    const cores = availableParallelism();
    if (cores < 2) return [{ name: "open load could not run", value: "it needs two cores" }];
    const callerCore = `${cores - 1}`;
    const serverCores = cores === 2 ? "0" : `0-${cores - 2}`;
    try {
      // What this process starts runs on the same cores. A server is started there, so that it finds as many as it has.
      await pinSelf(serverCores);
      await using own = await lever.start();
      await using bare = await bareNode.start();
      const both = [own, bare];
      await pinSelf(callerCore);
      const capacity = new Map<RunningPeer, number>();
      for (const peer of both) {
        await alone(peer, both, async () => {
          await warmUp(peer, workload);
          capacity.set(peer, (await load(peer, workload, CAPACITY_SECONDS)).perSecond);
        });
      }
      const half = (peer: RunningPeer): number => PART * (capacity.get(peer) ?? Number.NaN);
      const ways = {
        bare: { name: "node:http at half of its capacity", peer: bare, perSecond: half(bare) },
        own: { name: "Lever at half of its capacity", peer: own, perSecond: half(own) },
        same: { name: "Lever at the rate of node:http", peer: own, perSecond: half(bare) },
      };
      const results = await interleave(run, Object.values(ways), ({ peer, perSecond }: Way) =>
        alone(peer, both, () => callOpen(peer, perSecond, run.seconds)),
      );
      const series = (way: Way, of: keyof Times): number[] =>
        (results.get(way) ?? []).map((times) => times[of]);
      const ratio = (way: Way, of: keyof Times): number[] =>
        ratios(series(way, of), series(ways.bare, of));
      return [
        {
          name: "cores",
          value: `${serverCores} for each server, ${callerCore} for the caller`,
        },
        ...Object.values(ways).flatMap((way) => [
          measured(`${way.name}, calls/s`, way.perSecond),
          measured(`${way.name}, p50 ms`, series(way, "p50Ms")),
          measured(`${way.name}, p99 ms`, series(way, "p99Ms")),
          measured(`${way.name}, p99.9 ms`, series(way, "p999Ms")),
        ]),
        ...[ways.own, ways.same].flatMap((way) => [
          atMost(`${way.name}, p99 / node:http`, ratio(way, "p99Ms"), 1.5),
          atMost(`${way.name}, p99.9 / node:http`, ratio(way, "p999Ms"), 1.5),
        ]),
      ];
    } finally {
      await pinSelf(`0-${cores - 1}`);
    }
  },
};

/** Keeps all threads of this process on some cores, and what it starts from now on. */
async function pinSelf(cores: string): Promise<void> {
  await runTool("taskset", ["-a", "-p", "-c", cores, `${process.pid}`]);
}

/** All processes of a server, also those that only wait. */
function processesOf(peer: RunningPeer): number[] {
  const withChildren = (pid: number): number[] => [pid, ...childrenOf(pid).flatMap(withChildren)];
  return [...new Set([...peer.processes.values()].flatMap(withChildren))];
}

/** Suspends the other servers meanwhile: one that only waits takes processor time, too. */
async function alone<Result>(
  peer: RunningPeer,
  all: readonly RunningPeer[],
  measure: () => Promise<Result>,
): Promise<Result> {
  const others = all.filter((other) => other !== peer).flatMap(processesOf);
  for (const pid of others) process.kill(pid, "SIGSTOP");
  try {
    return await measure();
  } finally {
    for (const pid of others) process.kill(pid, "SIGCONT");
  }
}

async function callOpen(
  { port, path, host }: RunningPeer,
  perSecond: number,
  seconds: number,
): Promise<Times> {
  const script = programPath("open-load.ts");
  const numbers = [perSecond, seconds].map(String);
  const printed = await runTool(process.execPath, [script, `${port}`, path, host, ...numbers]);
  const [, json] = /^RESULT (.+)$/m.exec(printed) ?? [];
  if (json === undefined) throw new Error(`Cannot read what was measured: ${printed}`);
  return JSON.parse(json) as Times;
}
