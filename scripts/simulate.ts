/**
 * Runs the host's decisions in simulated worlds, two for each seed, of one host and of a cluster: `npm run simulate --
 * --seeds 10000`. Prints each broken promise with its seed. `--from` and `--seeds 1` replay that seed. `--only host` and
 * `--only cluster` leave out the others. With 150 seeds or more, each weakened variant of the cluster's rules must be found, too.
 * `--overload` prints what callers of full services get.
 */
import { parseArgs } from "node:util";
import { clusterMutations } from "../tests/simulation/cluster/cluster-rules.ts";
import {
  firstClusterViolation,
  MUTATION_SEEDS,
} from "../tests/simulation/cluster/cluster-violations.ts";
import { simulateCluster } from "../tests/simulation/cluster/cluster-world.ts";
import { overloadRow, rowTitle, slowRows, steadyRows } from "../tests/simulation/overload.ts";
import { simulate } from "../tests/simulation/simulate.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000" },
    from: { type: "string", default: "1" },
    only: { type: "string", default: "" },
    overload: { type: "boolean", default: false },
  },
});
if (values.overload) {
  for (const row of [...steadyRows, ...slowRows]) {
    const { goodput, ...times } = overloadRow(row);
    const rounded = Object.entries(times).map(([name, value]) => `${name} ${Math.round(value)}`);
    console.log(
      `${rowTitle(row)}, ${row.times} ×: ${[`goodput ${goodput.toFixed(2)}`, ...rounded].join(", ")}`,
    );
  }
  process.exit();
}
const [count, from] = [Number(values.seeds), Number(values.from)];
const isNumber = Number.isSafeInteger(count) && Number.isSafeInteger(from) && count >= 1;
if (!isNumber || !["", "host", "cluster"].includes(values.only)) {
  console.error(
    "Allowed are --seeds <count> and --from <first seed>, both whole numbers, and --only host or --only cluster.",
  );
  process.exit(2);
}

/** The result of a world. */
interface World {
  readonly counts: Readonly<Record<string, number>>;
  readonly violations: readonly string[];
}

/** Runs a world for each seed. Returns whether all promises were kept. */
async function runWorlds(
  name: string,
  simulated: (seed: number) => World | Promise<World>,
): Promise<boolean> {
  const totals = new Map<string, number>();
  let failed = 0;
  for (let seed = from; seed < from + count; seed++) {
    const { counts, violations } = await simulated(seed);
    for (const [of, value] of Object.entries(counts)) totals.set(of, (totals.get(of) ?? 0) + value);
    if (violations.length === 0) continue;
    failed++;
    if (failed <= 5) console.log(`${name}, seed ${seed}\n  ${violations.slice(0, 3).join("\n  ")}`);
  }
  const sums = [...totals].map(([of, value]) => `${value} ${of}`).join(", ");
  console.log(`${name}: ${count} seeds, ${sums}: ${failed} seeds with violations`);
  return failed === 0;
}

/** The simulation must find each weakened variant of the rules. Returns whether it does. */
function findMutations(): boolean {
  const results = Object.entries(clusterMutations).map(([name, mutation]) => {
    const found = firstClusterViolation(mutation);
    console.log(`${found === undefined ? "NOT FOUND" : "found"} | ${name} | ${found ?? ""}`);
    return found !== undefined;
  });
  return results.every(Boolean);
}

const results: boolean[] = [];
if (values.only !== "cluster") {
  const host = async (seed: number): Promise<World> => {
    const { violations, ...counts } = await simulate({ seed });
    return { counts, violations };
  };
  results.push(await runWorlds("host", host));
}
if (values.only !== "host") {
  const cluster = (seed: number): World => {
    const { violations, counts } = simulateCluster({ seed });
    return { counts, violations };
  };
  results.push(await runWorlds("cluster", cluster));
  if (count >= MUTATION_SEEDS) results.push(findMutations());
}
process.exitCode = results.every(Boolean) ? 0 : 1;
