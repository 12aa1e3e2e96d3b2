/**
 * A check for CI that calls have not become much slower: Lever and bare Node in turns. It fails only when Lever reaches half of
 * its promise in no round. It judges no absolute time, and a busy machine slows down both.
 */

import { greeting, load, warmUp } from "./comparison.ts";
import { rounded } from "./figure.ts";
import { lever } from "./peers/lever.ts";
import { bareNode } from "./peers/node.ts";

const LEAST_RATIO = 0.5;
const ROUNDS_MIN = 3;
const ROUNDS_MAX = 9;
const SECONDS = 1;
const workload = greeting(32);

// The bench measures the built program, as it is shipped.
process.env["LEVER_TEST_DIST"] = "1";
await using ours = await lever.start();
await using theirs = await bareNode.start();
for (const running of [ours, theirs]) await warmUp(running, workload);
const ratios: number[] = [];
const best = (): number => Math.max(...ratios);
let failed = 0;
while (ratios.length < ROUNDS_MIN || (best() < LEAST_RATIO && ratios.length < ROUNDS_MAX)) {
  const own = await load(ours, workload, SECONDS);
  const bare = await load(theirs, workload, SECONDS);
  failed += own.failed;
  ratios.push(own.perSecond / bare.perSecond);
}
const isGood = best() >= LEAST_RATIO && failed === 0;
console.log(
  `${isGood ? "ok  " : "FAIL"} calls beside bare Node: at best ${rounded(best())} times as many in ${ratios.length} rounds ` +
    `(at least ${LEAST_RATIO}), ${failed} failed calls`,
);
process.exitCode = isGood ? 0 : 1;
