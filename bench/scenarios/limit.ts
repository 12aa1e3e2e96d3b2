import { compare, comparisonFigures, greeting, rateRatio } from "../comparison.ts";
import { type Figure, measured } from "../figure.ts";
import type { Peer } from "../peer.ts";
import { functionsFramework } from "../peers/functions-framework.ts";
import { lever } from "../peers/lever.ts";
import { bareNode, emptyRelay, leastServer } from "../peers/node.ts";
import type { Scenario } from "../scenario.ts";

const workload = greeting(32);

export const limit: Scenario = {
  name: "limit",
  about:
    "how many calls two processes of Node can carry on this machine that do nothing else, or even only pass bytes on, beside Lever and others (wrk)",
  async run(run): Promise<readonly Figure[]> {
    const peers = [lever, leastServer, emptyRelay, bareNode, functionsFramework];
    const { absent, at } = await compare(run, peers, [workload]);
    const results = at(workload);
    const ratio = (of: Peer, to: Peer): Figure => measured(...rateRatio(results, of, to));
    return [
      ...absent,
      ...comparisonFigures(workload, results),
      ratio(lever, leastServer),
      ratio(lever, emptyRelay),
      ratio(lever, functionsFramework),
      ratio(leastServer, functionsFramework),
      ratio(emptyRelay, functionsFramework),
      ratio(emptyRelay, bareNode),
    ];
  },
};
