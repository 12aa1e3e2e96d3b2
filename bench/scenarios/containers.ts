import { contest, contestFigures, greeting, series } from "../contest.ts";
import { atLeast, type Figure, measured, ratios } from "../figure.ts";
import type { Peer } from "../peer.ts";
import { lever, leverOci } from "../peers/lever.ts";
import { bareNode } from "../peers/node.ts";
import { type Scenario, startHost } from "../scenario.ts";

/** More rounds than others take: what is looked for is as small as what a machine differs by from one minute to the next. */
const ROUNDS = 3;

const point = greeting(32);

/**
 * The same peer while a host that nobody calls has containers on this machine: their way to the internet makes the kernel look
 * at each packet of each program.
 */
const beside = (peer: Peer): Peer => ({
  name: `${peer.name}, beside a host of containers`,
  async start() {
    const host = await startHost({}, { isolation: "oci" });
    try {
      const running = await peer.start();
      const stop = async (): Promise<void> => {
        await running.stop();
        await host.stop();
      };
      return { ...running, stop, [Symbol.asyncDispose]: stop };
    } catch (error) {
      await host.stop();
      throw error;
    }
  },
});
const leverBeside = beside(lever);
const bareBeside = beside(bareNode);

export const containers: Scenario = {
  name: "containers",
  about:
    "what containers cost a call: Lever with and without them, and what their network takes from any server of the machine (wrk)",
  async run(run): Promise<readonly Figure[]> {
    const peers = [lever, leverOci, leverBeside, bareNode, bareBeside];
    const { absent, at } = await contest({ ...run, rounds: run.rounds * ROUNDS }, peers, [point]);
    const results = at(point);
    const ratio = (of: Peer, to: Peer): [string, number[]] => [
      `${of.name} / ${to.name}`,
      ratios(series(results, of, "perSecond"), series(results, to, "perSecond")),
    ];
    return [
      ...absent,
      ...contestFigures(point, results),
      atLeast(...ratio(leverOci, lever), 0.95),
      measured(...ratio(leverOci, leverBeside)),
      measured(...ratio(leverBeside, lever)),
      measured(...ratio(bareBeside, bareNode)),
    ];
  },
};
