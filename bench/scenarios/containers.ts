import { compare, comparisonFigures, greeting, rateRatio } from "../comparison.ts";
import { atLeast, type Figure, measured } from "../figure.ts";
import type { Peer } from "../peer.ts";
import { lever, leverOci } from "../peers/lever.ts";
import { bareNode } from "../peers/node.ts";
import { type Scenario, startHost } from "../scenario.ts";

/** More rounds than others take: what is looked for is as small as what a machine differs by from one minute to the next. */
const TIMES_THE_ROUNDS = 3;

const workload = greeting(32);

/**
 * The same peer while a host that nobody calls has containers on this machine: their way to the internet makes the kernel look
 * at each packet of each program.
 */
const beside = (peer: Peer): Peer => ({
  name: `${peer.name}, beside a host of containers`,
  async start() {
    await using stack = new AsyncDisposableStack();
    stack.use(await startHost({}, { isolation: "oci" }));
    const running = stack.use(await peer.start());
    const started = stack.move();
    const stop = (): Promise<void> => started.disposeAsync();
    return { ...running, stop, [Symbol.asyncDispose]: stop };
  },
});
const leverBeside = beside(lever);
const bareBeside = beside(bareNode);

export const containers: Scenario = {
  name: "containers",
  about:
    "what containers cost a call: Lever with and without them, and what their network takes from any server of the machine, in three times as many rounds (wrk)",
  async run(run): Promise<readonly Figure[]> {
    const peers = [lever, leverOci, leverBeside, bareNode, bareBeside];
    const { absent, at } = await compare({ ...run, rounds: run.rounds * TIMES_THE_ROUNDS }, peers, [
      workload,
    ]);
    const results = at(workload);
    return [
      ...absent,
      ...comparisonFigures(workload, results),
      atLeast(...rateRatio(results, leverOci, lever), 0.95),
      measured(...rateRatio(results, leverOci, leverBeside)),
      measured(...rateRatio(results, leverBeside, lever)),
      measured(...rateRatio(results, bareBeside, bareNode)),
    ];
  },
};
