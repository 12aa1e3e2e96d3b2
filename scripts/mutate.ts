/**
 * Plants faults in copies of the sources, one at a time, and checks that tests or the simulation find each: `npm run mutate`.
 * `-- --only ledger` plants those that have this word in their name or file; `-- --table` writes the table of all faults. The
 * list is tests/mutation/faults.ts. A fault that nothing finds is a hole in the tests.
 */
import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { faultTable } from "../tests/mutation/fault-table.ts";
import { plantedFaults } from "../tests/mutation/faults.ts";
import type { PlantedFault } from "../tests/mutation/planted-fault.ts";
import { SourceCopy } from "../tests/mutation/source-copy.ts";

const COPIES_MAX = 4;

const { values } = parseArgs({
  options: { only: { type: "string", default: "" }, table: { type: "boolean", default: false } },
});
if (values.table) {
  const table = join(import.meta.dirname, "../tests/mutation/README.md");
  writeFileSync(table, faultTable(plantedFaults));
} else process.exitCode = await mutate(values.only);

/** Resolves to the exit status. */
async function mutate(only: string): Promise<number> {
  const chosen = plantedFaults.filter(({ name, file }) => `${file} ${name}`.includes(only));
  const copies = Array.from(
    { length: Math.min(COPIES_MAX, availableParallelism(), chosen.length) },
    () => new SourceCopy(),
  );
  const [first] = copies;
  if (first === undefined) {
    console.error(`No planted fault has ${JSON.stringify(only)} in its name or file.`);
    return 2;
  }
  try {
    const problem = await problemWithoutFault(first, chosen);
    if (problem !== undefined) {
      console.error(`Cannot plant faults: without one, this fails already:\n${problem}`);
      return 1;
    }
    const left = chosen.values();
    const missed = await Promise.all(copies.map((copy) => plantEach(copy, left)));
    const survivors = missed.flat();
    for (const row of survivors) console.log(`NOT FOUND | ${row}`);
    console.log(`${chosen.length} faults planted, ${survivors.length} not found`);
    return survivors.length === 0 ? 0 : 1;
  } finally {
    for (const copy of copies) copy[Symbol.dispose]();
  }
}

/**
 * Why faults would be found that are not: one is not even TypeScript, or a command fails without a fault. undefined = all
 * is well.
 */
async function problemWithoutFault(
  copy: SourceCopy,
  faults: readonly PlantedFault[],
): Promise<string | undefined> {
  for (const fault of faults) copy.checkSyntax(fault);
  const catchers = new Set(faults.flatMap(({ caughtBy }) => caughtBy));
  const runs = catchers.delete("simulation") ? [["simulation" as const]] : [];
  for (const run of catchers.size > 0 ? [[...catchers], ...runs] : runs) {
    const { isGood, output } = await copy.run(run);
    if (!isGood) return output;
  }
  return undefined;
}

/** Plants one fault after the other. Returns the rows of those that were not found. */
async function plantEach(copy: SourceCopy, faults: Iterable<PlantedFault>): Promise<string[]> {
  const missed: string[] = [];
  for (const fault of faults) {
    for (const catcher of fault.caughtBy) {
      const startedAt = performance.now();
      const isCaught = await copy.isCaught(fault, catcher);
      const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
      const row = [fault.file, fault.name, catcher, `${seconds} s`].join(" | ");
      console.log(`${isCaught ? "found    " : "NOT FOUND"} | ${row}`);
      if (!isCaught) missed.push(row);
    }
  }
  return missed;
}
