/** All checks of this repository's texts, in one process. Each check is a file of scripts/lint that says what it holds. */
import { join } from "node:path";
import { documentFaults } from "./lint/documents.ts";
import { eventFaults } from "./lint/events.ts";
import { importTableFaults } from "./lint/import-table.ts";
import { logPartFaults } from "./lint/log-parts.ts";
import { type Fault, readRepository } from "./lint/repository.ts";
import { timerFaults } from "./lint/timers.ts";

const repository = readRepository(join(import.meta.dirname, ".."));
const faults: readonly Fault[] = [
  ...documentFaults(repository),
  ...eventFaults(repository),
  ...importTableFaults(repository),
  ...logPartFaults(repository),
  ...timerFaults(repository),
];
for (const { path, line, reason } of faults) console.error(`${path}:${line}: ${reason}`);
process.exitCode = faults.length === 0 ? 0 : 1;
