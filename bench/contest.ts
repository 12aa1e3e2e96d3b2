import { alternate } from "./alternate.ts";
import type { Contenders } from "./contenders.ts";
import { atMost, type Figure, measured } from "./figure.ts";
import type { Peer } from "./peer.ts";
import type { BenchRun } from "./scenario.ts";
import { type WrkResult, wrk } from "./wrk.ts";

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

/** Lets wrk call one contender that runs. */
export async function load(
  { running }: Contenders,
  peer: Peer,
  point: Point,
  seconds: number,
): Promise<WrkResult> {
  const at = running.get(peer);
  if (at === undefined) throw new Error(`Cannot measure ${peer.name}: it does not run.`);
  const { port, path, host } = at;
  const { connections, body, method } = point;
  const address = `127.0.0.1:${port}`;
  return await wrk({ address, path: path + method, host, body, connections, seconds });
}

export type Results = ReadonlyMap<Peer, readonly WrkResult[]>;

/** Lets wrk call all contenders in turn, round by round. */
export async function contest(
  run: BenchRun,
  contenders: Contenders,
  point: Point,
): Promise<Results> {
  const peers = [...contenders.running.keys()];
  // What runs for the first time is compiled before it counts.
  for (const peer of peers) await load(contenders, peer, point, 1);
  return await alternate(run, peers, (peer) => load(contenders, peer, point, run.seconds));
}

/** One value of a contender's results, round by round; empty for one that does not run. */
export const series = (results: Results, peer: Peer, of: keyof WrkResult): number[] =>
  (results.get(peer) ?? []).map((result) => result[of]);

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
