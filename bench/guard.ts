/**
 * A check for CI that the product has not become much slower: short runs of some scenarios, in which Lever and its peers take
 * turns. It fails only when a promise is missed by half in every round, or when calls fail. It judges no absolute time, and a
 * busy machine slows down both.
 */

import { greeting, load, warmUp } from "./comparison.ts";
import { atLeast, atMost, bestBesideTarget, type Figure, rounded } from "./figure.ts";
import { interleave } from "./interleave.ts";
import { lever } from "./peers/lever.ts";
import { bareNode } from "./peers/node.ts";
import type { BenchRun, Scenario } from "./scenario.ts";
import { browsers } from "./scenarios/browsers.ts";
import { command } from "./scenarios/command.ts";
import { manyResources } from "./scenarios/many-resources.ts";

/** The part of each promise that one round must reach. */
const LEAST_PART = 0.5;
/** A busy machine gets further tries. */
const TRIES = 3;
const run: BenchRun = { seconds: 1, rounds: 2, services: 0, calibrate: () => {} };
const workload = greeting(32);

/** Plain calls beside bare Node. */
const plainCalls: Scenario = {
  name: "plain-calls",
  about: "calls beside bare Node",
  async run() {
    await using ours = await lever.start();
    await using theirs = await bareNode.start();
    const peers = [ours, theirs];
    for (const peer of peers) await warmUp(peer, workload);
    const results = await interleave(run, peers, (peer) => load(peer, workload, run.seconds));
    const of = (peer: (typeof peers)[number]) => results.get(peer) ?? [];
    const failed = of(ours).reduce((sum, result) => sum + result.failed, 0);
    const values = of(ours).map(
      ({ perSecond }, round) => perSecond / (of(theirs)[round]?.perSecond ?? Number.NaN),
    );
    return [atLeast("calls / calls of bare Node", values, 1), atMost("failed calls", failed, 0)];
  },
};

const isFine = (figure: Figure): boolean => bestBesideTarget(figure) >= LEAST_PART;

async function check(scenario: Scenario): Promise<boolean> {
  for (let tried = 1; ; tried++) {
    const figures = (await scenario.run(run)).filter(({ target }) => target !== undefined);
    const isGood = figures.every(isFine);
    if (!isGood && tried < TRIES) continue;
    for (const figure of figures) {
      const { name, value, target } = figure;
      const text = typeof value === "number" ? rounded(value) : value;
      console.log(
        `${isFine(figure) ? "ok  " : "FAIL"} ${scenario.name}: ${name}: ${text} (${target})`,
      );
    }
    return isGood;
  }
}

// The bench measures the built program, as it is shipped.
process.env["LEVER_TEST_DIST"] = "1";
for (const scenario of [plainCalls, browsers, command, manyResources]) {
  if (!(await check(scenario))) process.exitCode = 1;
}
