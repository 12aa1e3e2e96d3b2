import {
  compare,
  comparisonFigures,
  greeting,
  type Results,
  series,
  type Workload,
} from "../comparison.ts";
import { atLeast, atMost, type Figure, measured, ratios } from "../figure.ts";
import type { Peer } from "../peer.ts";
import { functionsFramework } from "../peers/functions-framework.ts";
import { lever, leverOci } from "../peers/lever.ts";
import { moleculer } from "../peers/moleculer.ts";
import { bareNode } from "../peers/node.ts";
import { restate } from "../peers/restate.ts";
import { watt } from "../peers/watt.ts";
import { workerd, workerdBinding } from "../peers/workerd.ts";
import type { Scenario } from "../scenario.ts";

const sized = (name: string, bytes: number, connections: number): Workload => ({
  name: `${name} bodies, ${connections} connections`,
  connections,
  method: "lengthOf",
  body: JSON.stringify(["x".repeat(bytes)]),
});

const one = greeting(1);
const many = greeting(32);
const large = sized("1 MB", 1_000_000, 8);
const workloads: readonly Workload[] = [
  one,
  many,
  greeting(256),
  sized("10 kB", 10_000, 32),
  sized("100 kB", 100_000, 32),
  large,
];
const peers: readonly Peer[] = [
  lever,
  leverOci,
  bareNode,
  workerd,
  workerdBinding,
  functionsFramework,
  watt,
  moleculer,
  restate,
];

/** A workload, and the promised ratio of Lever's rate to another's. */
const promises: readonly (readonly [Workload, Peer, Peer, number])[] = [
  [many, lever, bareNode, 1],
  [many, lever, workerd, 3],
  [many, lever, functionsFramework, 10],
  [large, lever, bareNode, 0.7],
];

export const unaryHttp: Scenario = {
  name: "unary-http",
  about: "a greeting by HTTP, and bodies of which the length is told, over kept connections (wrk)",
  async run(run): Promise<readonly Figure[]> {
    const { absent, at } = await compare(run, peers, workloads);
    const figures = workloads.flatMap((workload) => {
      const results = at(workload);
      return [...comparisonFigures(workload, results), ...comparisons(workload, results)];
    });
    return [...absent, ...figures];
  },
};

function comparisons(workload: Workload, results: Results): Figure[] {
  const has = (peer: Peer): boolean => results.has(peer);
  const ratio = (of: Peer, to: Peer, what: "perSecond" | "p50Ms"): number[] =>
    ratios(series(results, of, what), series(results, to, what));
  const rates = [...results.keys()].flatMap((peer): Figure[] => {
    if (peer === lever || !has(lever)) return [];
    const [of, to] = peer === leverOci ? [leverOci, lever] : [lever, peer];
    const name = `${workload.name}: ${of.name} / ${to.name}`;
    const promise = promises.find(([at, a, b]) => at === workload && a === of && b === to);
    const held = ratio(of, to, "perSecond");
    return [promise === undefined ? measured(name, held) : atLeast(name, held, promise[3])];
  });
  if (workload !== one || !has(lever)) return rates;
  const latencies = (
    [
      [bareNode, 1.6],
      [workerd, 1],
    ] as const
  ).flatMap(([peer, limit]) =>
    has(peer)
      ? [atMost(`${workload.name}: p50, Lever / ${peer.name}`, ratio(lever, peer, "p50Ms"), limit)]
      : [],
  );
  return [...rates, ...latencies];
}
