/**
 * Runs the host's decisions in simulated worlds, one for each seed: `npm run simulate -- --seeds 10000`. Prints each broken
 * promise with its seed. `--from` and `--seeds 1` replay that seed. `--overload` prints what callers of full services get.
 */
import { parseArgs } from "node:util";
import { overloadRow, rowTitle, steadyRows } from "../tests/simulation/overload.ts";
import { simulate } from "../tests/simulation/simulate.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000" },
    from: { type: "string", default: "1" },
    overload: { type: "boolean", default: false },
  },
});
if (values.overload) {
  for (const row of steadyRows) {
    const { goodput, ...times } = overloadRow(row);
    const rounded = Object.entries(times).map(([name, value]) => `${name} ${Math.round(value)}`);
    console.log(
      `${rowTitle(row)}, ${row.times} ×: ${[`goodput ${goodput.toFixed(2)}`, ...rounded].join(", ")}`,
    );
  }
  process.exit();
}
const [count, from] = [Number(values.seeds), Number(values.from)];
if (!Number.isSafeInteger(count) || !Number.isSafeInteger(from) || count < 1) {
  console.error("Allowed is --seeds <count> and --from <first seed>, both whole numbers.");
  process.exit(2);
}
const totals = { steps: 0, calls: 0, instances: 0, ownerships: 0 };
let failed = 0;
for (let seed = from; seed < from + count; seed++) {
  const result = await simulate({ seed });
  totals.steps += result.steps;
  totals.calls += result.calls;
  totals.instances += result.instances;
  totals.ownerships += result.ownerships;
  if (result.violations.length === 0) continue;
  failed++;
  if (failed <= 5) console.log(`seed ${seed}\n  ${result.violations.slice(0, 3).join("\n  ")}`);
}
console.log(
  `${count} seeds, ${totals.steps} steps, ${totals.calls} calls, ${totals.instances} instances, ${totals.ownerships} ownerships: ${failed} seeds with violations`,
);
process.exitCode = failed === 0 ? 0 : 1;
