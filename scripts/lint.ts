/** All checks of this repository's texts, in one process. Each check is a file of scripts/lint that starts with its rule. */
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
import { node20Faults } from "./lint/node-20.ts";
import { plantedFaultFaults } from "./lint/planted-faults.ts";
import { readRepository } from "./lint/repository.ts";
import { timerFaults } from "./lint/timers.ts";

const checks = [
  commentFaults,
  commitFaults,
  conflictFaults,
  documentFaults,
  eventFaults,
  fileLengthFaults,
  importCycleFaults,
  importTableFaults,
  logPartFaults,
  node20Faults,
  plantedFaultFaults,
  timerFaults,
];
const repository = readRepository(join(import.meta.dirname, ".."));
const faults = checks.flatMap((check) => check(repository));
for (const { path, line, reason } of faults) console.error(`${path}:${line}: ${reason}`);
process.exitCode = faults.length === 0 ? 0 : 1;
