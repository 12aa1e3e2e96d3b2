/**
 * Hosts of a cluster, its database and the network between them fail, again and again: `npm run chaos -- --rounds 100`. Prints what
 * failed, how calls ended, and each broken promise. `--seed` runs the same faults again; `--only "keeper killed"` those alone. Needs
 * root and PostgreSQL; installs what is missing. Everything runs in network namespaces of its own, which end with it.
 */
import { parseArgs } from "node:util";
import { runChaos } from "../tests/chaos/chaos.ts";
import { faults } from "../tests/chaos/faults.ts";
import { requirements } from "../tests/harness/requirements.ts";
import { installDebianPackages } from "./debian-packages.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "20" },
    seed: { type: "string", default: "1" },
    only: { type: "string", multiple: true, default: [] },
  },
});
const [rounds, seed] = [Number(values.rounds), Number(values.seed)];
const chosen = faults.filter(({ name }) => values.only.length === 0 || values.only.includes(name));
if (
  !(Number.isSafeInteger(rounds) && Number.isSafeInteger(seed)) ||
  rounds < 1 ||
  chosen.length === 0
) {
  const names = faults.map(({ name }) => `  ${name}`).join("\n");
  console.error(`Allowed are --rounds and --seed, whole numbers, and --only:\n${names}`);
  process.exit(2);
}
if (process.getuid?.() !== 0) {
  console.error("Cannot make network namespaces: run it as root.");
  process.exit(1);
}
const needed = requirements.filter(
  ({ tag, isMet }) => ["needs-postgres", "needs-network-namespaces"].includes(tag) && !isMet(),
);
installDebianPackages(
  needed.flatMap(({ debianPackages }) => debianPackages),
  "run the hosts",
);

// What runs ends when this process exits.
for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"] as const)
  process.on(signal, () => process.exit(1));
const only = values.only.map((name) => ` --only ${JSON.stringify(name)}`).join("");
console.log(`npm run chaos -- --rounds ${rounds} --seed ${seed}${only}`);
const onProgress = (line: string): void => console.log(`  ${line}`);
const result = await runChaos({ rounds, seed, faults: chosen, onProgress });
const table = (title: string, counts: ReadonlyMap<string, number>): void => {
  console.log(`\n${title}`);
  for (const [name, count] of [...counts].sort())
    console.log(`${String(count).padStart(9)}  ${name}`);
};
table("Faults", result.faults);
table("Calls and changes", result.outcomes);
console.log(
  `\n${result.rounds} rounds in ${result.seconds.toFixed(0)} s, ${result.records} acts that the witness saw: ${result.violations.length} violations`,
);
for (const violation of result.violations) console.log(`  ${violation}`);
process.exitCode = result.violations.length === 0 ? 0 : 1;
