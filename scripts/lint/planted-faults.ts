/** Each fault of tests/mutation replaces a text that its file has exactly once, and is in the table of tests/mutation/README.md. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { faultTable } from "../../tests/mutation/fault-table.ts";
import { plantedFaults } from "../../tests/mutation/faults.ts";
import { type PlantedFault, plant } from "../../tests/mutation/planted-fault.ts";
import type { Fault, Repository } from "./repository.ts";

const TABLE = "tests/mutation/README.md";

export function plantedFaultFaults({
  root,
  documents,
}: Pick<Repository, "root" | "documents">): readonly Fault[] {
  const packages = join(root, "packages");
  const faults = plantedFaults.flatMap((planted) => {
    const path = join(packages, planted.file);
    const source = existsSync(path) ? readFileSync(path, "utf8") : "";
    const missing = planted.caughtBy.find(
      (catcher) => catcher !== "simulation" && !existsSync(join(packages, catcher)),
    );
    const reason =
      missing === undefined ? plantingFault(source, planted) : `there is no ${missing}`;
    if (reason === undefined) return [];
    return [
      { path: `packages/${planted.file}`, line: 1, reason: `${reason} (tests/mutation/faults)` },
    ];
  });
  const table = documents.find(({ path }) => path === TABLE)?.text;
  if (table === faultTable(plantedFaults)) return faults;
  return [...faults, { path: TABLE, line: 1, reason: "write it again: npm run mutate -- --table" }];
}

/** Why a fault cannot be planted; undefined = it can. */
export function plantingFault(source: string, planted: PlantedFault): string | undefined {
  try {
    return plant(source, planted) === source ? `"${planted.name}" changes nothing` : undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
