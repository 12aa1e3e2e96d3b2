import { atMost, type Figure, measured, ratios } from "./figure.ts";
import { measurePeers } from "./measure-peers.ts";
import type { Peer, RunningPeer } from "./peer.ts";
import type { BenchRun } from "./scenario.ts";
import { type WrkResult, wrk } from "./wrk.ts";

const WARM_SECONDS = 1;

/** The work that wrk gives to each peer. */
export interface Workload {
  readonly name: string;
  readonly connections: number;
  readonly method: "sayHello" | "lengthOf";
  readonly body: string;
}

export const greeting = (connections: number): Workload => ({
  name: connections === 1 ? "1 connection" : `${connections} connections`,
  connections,
  method: "sayHello",
  body: '["world"]',
});

/** Lets wrk call a peer. */
export async function load(
  { port, path, host }: RunningPeer,
  { connections, body, method }: Workload,
  seconds: number,
): Promise<WrkResult> {
  const address = `127.0.0.1:${port}`;
  return await wrk({ address, path: path + method, host, body, connections, seconds });
}

/** Lets Node compile the code before its time counts. */
export async function warmUp(running: RunningPeer, workload: Workload): Promise<void> {
  await load(running, workload, WARM_SECONDS);
}

export type Results = ReadonlyMap<Peer, readonly WrkResult[]>;

/** The results of peers under the same workloads. */
export interface Comparison {
  /** One figure for each peer that cannot run here. */
  readonly absent: readonly Figure[];
  /** The results under one workload. */
  at(workload: Workload): Results;
}

/** Lets wrk call all peers in turn, round by round, under each workload. */
export async function compare(
  run: BenchRun,
  peers: readonly Peer[],
  workloads: readonly Workload[],
): Promise<Comparison> {
  const { results, absent } = await measurePeers(run, peers, async (running) => {
    const measured = new Map<Workload, WrkResult>();
    for (const workload of workloads) {
      await warmUp(running, workload);
      measured.set(workload, await load(running, workload, run.seconds));
    }
    return measured;
  });
  const at = (workload: Workload): Results => {
    const ofWorkload = (rounds: readonly ReadonlyMap<Workload, WrkResult>[]): WrkResult[] =>
      rounds.flatMap((round) => round.get(workload) ?? []);
    return new Map([...results].map(([peer, rounds]) => [peer, ofWorkload(rounds)]));
  };
  return { absent, at };
}

/** One value of a peer's results, round by round. Empty for a peer that does not run. */
export const series = (results: Results, peer: Peer, of: keyof WrkResult): number[] =>
  (results.get(peer) ?? []).map((result) => result[of]);

/** The name and the values of a ratio: requests a second of one peer to those of another, round by round. */
export const rateRatio = (results: Results, of: Peer, to: Peer): [string, number[]] => [
  `${of.name} / ${to.name}`,
  ratios(series(results, of, "perSecond"), series(results, to, "perSecond")),
];

/** The figures of each peer. Calls of Lever must not fail. Failed calls of other peers are shown. */
export function comparisonFigures(workload: Workload, results: Results): Figure[] {
  const chart = `${workload.name}: requests a second`;
  return [...results.keys()].flatMap((peer): Figure[] => {
    const name = `${workload.name}: ${peer.name}`;
    const failed = series(results, peer, "failed").reduce((sum, count) => sum + count, 0);
    const isLever = peer.name.startsWith("Lever");
    const bar = { chart, label: peer.name };
    return [
      measured(`${name}, requests/s`, series(results, peer, "perSecond"), bar),
      measured(`${name}, p50 ms`, series(results, peer, "p50Ms")),
      measured(`${name}, p99 ms`, series(results, peer, "p99Ms")),
      ...(isLever ? [atMost(`${name}, failed calls`, failed, 0)] : []),
      ...(!isLever && failed > 0 ? [measured(`${name}, failed calls`, failed)] : []),
    ];
  });
}
