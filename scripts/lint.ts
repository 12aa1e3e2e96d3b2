/**
 * All checks of this repository's texts, in one process. Each check is a file of scripts/lint that says what it holds.
 * With --report, counts the faults of checks that are not enforced yet.
 */
import { join } from "node:path";
import { commentFaults } from "./lint/comment-words.ts";
import { commitFaults } from "./lint/commit-subjects.ts";
import { conflictFaults } from "./lint/conflict-markers.ts";
import { documentFaults } from "./lint/documents.ts";
import { eventFaults } from "./lint/events.ts";
import { fileLengthFaults } from "./lint/file-length.ts";
import { importCycleFaults } from "./lint/import-cycles.ts";
import { importTableFaults } from "./lint/import-table.ts";
import { logPartFaults } from "./lint/log-parts.ts";
import { privateImportFaults } from "./lint/private-imports.ts";
import { type Fault, readRepository } from "./lint/repository.ts";
import { timerFaults } from "./lint/timers.ts";

const repository = readRepository(join(import.meta.dirname, ".."));

if (process.argv.includes("--report")) {
  const checks = { commentFaults, fileLengthFaults, importCycleFaults };
  for (const [name, check] of Object.entries(checks)) report(name, check(repository));
} else {
  const checks = [
    commitFaults,
    conflictFaults,
    documentFaults,
    eventFaults,
    importTableFaults,
    logPartFaults,
    privateImportFaults,
    timerFaults,
  ];
  const faults = checks.flatMap((check) => check(repository));
  for (const fault of faults) print(fault);
  process.exitCode = faults.length === 0 ? 0 : 1;
}

function print({ path, line, reason }: Fault): void {
  console.error(`${path}:${line}: ${reason}`);
}

function report(name: string, faults: readonly Fault[]): void {
  for (const fault of faults) print(fault);
  const folders = Map.groupBy(faults, ({ path }) => path.replace(/\/[^/]*$/, ""));
  console.log(`${name}: ${faults.length}`);
  for (const [folder, of] of folders) console.log(`  ${String(of.length).padStart(3)} ${folder}`);
}
