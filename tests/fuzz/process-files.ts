import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** The open files of a process (proc(5): fd). */
export function openFiles(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      // Closed meanwhile.
      return [];
    }
  });
}

/** How many of its open files are connections over TCP, listeners left out. */
export function connections(pid: number): number {
  const established = new Set<string>();
  for (const line of readFileSync("/proc/net/tcp", "utf8").split("\n").slice(1)) {
    const fields = line.trim().split(/\s+/);
    const [state, inode] = [fields[3], fields[9]];
    if (state !== LISTENS && inode !== undefined) established.add(`socket:[${inode}]`);
  }
  return openFiles(pid).filter((file) => established.has(file)).length;
}

const LISTENS = "0A";

/** Its own memory, without what it has started. */
export function residentBytes(pid: number): number {
  const [, kilobytes = "0"] =
    /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kilobytes) * 1_024;
}
