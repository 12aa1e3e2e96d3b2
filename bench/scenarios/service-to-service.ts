import { contest, contestFigures, greeting, series } from "../contest.ts";
import { atLeast, type Figure, measured, ratios } from "../figure.ts";
import { leverFront, leverFrontOci } from "../peers/lever.ts";
import { moleculerTcp } from "../peers/moleculer.ts";
import { twoNodes } from "../peers/node.ts";
import { workerdBinding } from "../peers/workerd.ts";
import type { Scenario } from "../scenario.ts";

const point = greeting(32);

export const serviceToService: Scenario = {
  name: "service-to-service",
  about: "a service that is called by HTTP calls another one, and replies with its reply (wrk)",
  async run(run): Promise<readonly Figure[]> {
    const peers = [leverFront, leverFrontOci, twoNodes, moleculerTcp, workerdBinding];
    const { absent, at } = await contest(run, peers, [point]);
    const results = at(point);
    const rate = (peer: (typeof peers)[number]): number[] => series(results, peer, "perSecond");
    const ratio = (peer: (typeof peers)[number], limit?: number): Figure[] => {
      if (!results.has(peer)) return [];
      const name = `Lever / ${peer.name}`;
      const held = ratios(rate(leverFront), rate(peer));
      return [limit === undefined ? measured(name, held) : atLeast(name, held, limit)];
    };
    return [
      ...absent,
      ...contestFigures(point, results),
      ...ratio(twoNodes, 2),
      ...ratio(moleculerTcp, 1),
      ...ratio(workerdBinding),
      ...ratio(leverFrontOci),
    ];
  },
};
