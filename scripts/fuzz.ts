/**
 * Sends faulty inputs to everything that reads untrusted input: `npm run fuzz -- --target all --count 100000`. Prints each
 * failure with the input that caused it. `--target`, `--seed`, `--from` and `--count 1` replay that input.
 */
import { parseArgs } from "node:util";
import { fuzz } from "../tests/fuzz/fuzz.ts";
import { hostTargets, partTargets } from "../tests/fuzz/targets/index.ts";

const targets = [...hostTargets, ...partTargets];
const { values } = parseArgs({
  options: {
    target: { type: "string", default: "all" },
    seed: { type: "string", default: "1" },
    from: { type: "string", default: "0" },
    count: { type: "string", default: "1000" },
  },
});
const [seed, from, count] = [Number(values.seed), Number(values.from), Number(values.count)];
const chosen = targets.filter(({ name }) => values.target === "all" || values.target === name);
if (chosen.length === 0 || ![seed, from, count].every(Number.isSafeInteger) || count < 1) {
  const names = targets.map(({ name }) => name).join(", ");
  console.error(
    `Allowed is --target <all or one of ${names}>, and --seed, --from and --count, whole numbers.`,
  );
  process.exit(2);
}
const lines: string[] = [];
const PROGRESS_STEP = 10_000;
for (const target of chosen) {
  try {
    const { seconds, measures } = await fuzz(target, {
      seed,
      from,
      count,
      onProgress(done) {
        if (done % PROGRESS_STEP === 0) console.log(`${target.name}: ${done} of ${count}`);
      },
    });
    lines.push(`ok    ${target.name}: ${count} inputs in ${seconds.toFixed(1)} s; ${measures}`);
  } catch (error) {
    lines.push(`FAIL  ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  }
  console.log(lines.at(-1));
}
if (lines.length > 1) console.log(["", ...lines].join("\n"));
