import { compare, comparisonFigures, greeting, rateRatio } from "../comparison.ts";
import { atLeast, type Figure, measured } from "../figure.ts";
import { leverFront, leverFrontOci } from "../peers/lever.ts";
import { moleculerTcp } from "../peers/moleculer.ts";
import { twoNodes } from "../peers/node.ts";
import { workerdBinding } from "../peers/workerd.ts";
import type { Scenario } from "../scenario.ts";

const workload = greeting(32);

export const serviceToService: Scenario = {
  name: "service-to-service",
  about: "a service that is called by HTTP calls another one, and replies with its reply (wrk)",
  async run(run): Promise<readonly Figure[]> {
    const peers = [leverFront, leverFrontOci, twoNodes, moleculerTcp, workerdBinding];
    const { absent, at } = await compare(run, peers, [workload]);
    const results = at(workload);
    const beside = (peer: (typeof peers)[number], limit?: number): Figure[] => {
      if (!results.has(peer)) return [];
      const ratio = rateRatio(results, leverFront, peer);
      return [limit === undefined ? measured(...ratio) : atLeast(...ratio, limit)];
    };
    return [
      ...absent,
      ...comparisonFigures(workload, results),
      ...beside(twoNodes, 2),
      ...beside(moleculerTcp, 1),
      ...beside(workerdBinding),
      ...beside(leverFrontOci),
    ];
  },
};
