import { measureInTurn } from "./contenders.ts";
import { atMost, type Figure, measured, ratios } from "./figure.ts";
import type { Peer, RunningPeer } from "./peer.ts";
import type { BenchRun } from "./scenario.ts";
import { type WrkResult, wrk } from "./wrk.ts";

const WARM_SECONDS = 1;

/** The work that wrk gives to each contender. */
export interface Point {
  readonly name: string;
  readonly connections: number;
  readonly method: "sayHello" | "lengthOf";
  readonly body: string;
}

export const greeting = (connections: number): Point => ({
  name: connections === 1 ? "1 connection" : `${connections} connections`,
  connections,
  method: "sayHello",
  body: '["world"]',
});

/** Lets wrk call a peer. */
export async function load(
  { port, path, host }: RunningPeer,
  { connections, body, method }: Point,
  seconds: number,
): Promise<WrkResult> {
  const address = `127.0.0.1:${port}`;
  return await wrk({ address, path: path + method, host, body, connections, seconds });
}

/** What is called for the first time is compiled before it counts. */
export async function warmUp(running: RunningPeer, point: Point): Promise<void> {
  await load(running, point, WARM_SECONDS);
}

export type Results = ReadonlyMap<Peer, readonly WrkResult[]>;

/** Lets wrk call all peers in turn, round by round, at each of the points. */
export async function contest(
  run: BenchRun,
  peers: readonly Peer[],
  points: readonly Point[],
): Promise<{ readonly absent: readonly Figure[]; at(point: Point): Results }> {
  const { results, absent } = await measureInTurn(run, peers, async (running) => {
    const measured = new Map<Point, WrkResult>();
    for (const point of points) {
      await warmUp(running, point);
      measured.set(point, await load(running, point, run.seconds));
    }
    return measured;
  });
  const at = (point: Point): Results => {
    const ofPoint = (rounds: readonly ReadonlyMap<Point, WrkResult>[]): WrkResult[] =>
      rounds.flatMap((round) => round.get(point) ?? []);
    return new Map([...results].map(([peer, rounds]) => [peer, ofPoint(rounds)]));
  };
  return { absent, at };
}

/** One value of a contender's results, round by round; empty for one that does not run. */
export const series = (results: Results, peer: Peer, of: keyof WrkResult): number[] =>
  (results.get(peer) ?? []).map((result) => result[of]);

/** Requests a second of one contender beside another's, round by round, with its name. */
export const rateRatio = (results: Results, of: Peer, to: Peer): [string, number[]] => [
  `${of.name} / ${to.name}`,
  ratios(series(results, of, "perSecond"), series(results, to, "perSecond")),
];

/** What each contender did. Calls of Lever's may not fail; others' are told. */
export function contestFigures(point: Point, results: Results): Figure[] {
  const chart = `${point.name}: requests a second`;
  return [...results.keys()].flatMap((peer): Figure[] => {
    const name = `${point.name}: ${peer.name}`;
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
