import { setFlagsFromString } from "node:v8";

/** Sets what holds for the process as a unit. Call it before the host opens anything. */
export function setUpProcess(): void {
  // Services read their code as other users. Files that must stay private are created with a mode of their own.
  process.umask(0o022);
  countExternalMemory();
}

/**
 * Makes V8 weigh external memory against its limit for all memory, as later versions do by default. Node 24's V8 searches the
 * complete heap after each 16 MB of bodies, which took half of the CPU time of large calls.
 */
function countExternalMemory(): void {
  if (!process.versions.v8.startsWith("13.")) return;
  setFlagsFromString("--external-memory-accounted-in-global-limit");
}
