import { readFileSync } from "node:fs";

/** Bytes in a page of memory (getconf PAGESIZE) on the machines that Lever runs on. */
const PAGE_BYTES = 4_096;
/** Processes that one instance is looked at with: more would be a fork bomb. */
const PROCESSES_MAX = 1_000;

/** Resident memory of a process and everything it has started (proc(5): statm, children), in bytes; 0 when it has ended. */
export function residentBytes(pid: number): number {
  const pids = [pid];
  let bytes = 0;
  for (let next = 0; next < pids.length && next < PROCESSES_MAX; next++) {
    const of = pids[next];
    bytes += Number(readProc(`${of}/statm`).split(" ")[1] ?? 0) * PAGE_BYTES;
    const children = readProc(`${of}/task/${of}/children`).split(" ");
    for (const child of children) if (child !== "") pids.push(Number(child));
  }
  return bytes;
}

function readProc(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, "utf8");
  } catch {
    return "";
  }
}
