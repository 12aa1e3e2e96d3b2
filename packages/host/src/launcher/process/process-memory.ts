import { readdirSync, readFileSync } from "node:fs";

/** Bytes in a page of memory (getconf PAGESIZE) on the machines that Lever runs on. */
const PAGE_BYTES = 4_096;

export interface ProcessesMemory {
  /** Private memory of all of them: what they share with others, such as a program's own code, does not count. */
  readonly bytes: number;
  /** The process itself, and all that it has started. */
  readonly pids: readonly number[];
}

interface Seen {
  readonly parent: number;
  readonly session: number;
}

/**
 * What some processes, each the leader of its session, use together with everything they have started (proc(5)): also
 * what left the session, as long as its parent lives, and what lost its parent, as long as it is in the session.
 */
export function memoryOf(leaders: ReadonlySet<number>): Map<number, ProcessesMemory> {
  const processes = new Map<number, Seen>();
  for (const name of readDir("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    // The second field, the program's name in parentheses, may hold spaces; then: state, parent, group, session.
    const stat = readProc(`${pid}/stat`);
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ", 4);
    if (fields.length === 4) {
      processes.set(pid, { parent: Number(fields[1]), session: Number(fields[3]) });
    }
  }
  const sums = new Map<number, { bytes: number; pids: number[] }>();
  for (const pid of processes.keys()) {
    const leader = leaderOf(pid, processes, leaders);
    if (leader === undefined) continue;
    const sum = sums.get(leader) ?? { bytes: 0, pids: [] };
    sums.set(leader, sum);
    sum.bytes += privateBytes(pid);
    sum.pids.push(pid);
  }
  return sums;
}

function leaderOf(
  pid: number,
  processes: ReadonlyMap<number, Seen>,
  leaders: ReadonlySet<number>,
): number | undefined {
  // As far as there are processes: pids that are read one after the other might seem to make a circle.
  for (let at = pid, steps = 0; steps < processes.size; steps++) {
    const seen = processes.get(at);
    if (seen === undefined) return undefined;
    if (leaders.has(at)) return at;
    if (leaders.has(seen.session)) return seen.session;
    at = seen.parent;
  }
  return undefined;
}

/** statm: size, resident, shared, … in pages. */
function privateBytes(pid: number): number {
  const [, resident, shared] = readProc(`${pid}/statm`).split(" ");
  return (Number(resident ?? 0) - Number(shared ?? 0)) * PAGE_BYTES;
}

function readProc(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, "utf8");
  } catch {
    // It has ended.
    return "";
  }
}

function readDir(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    // Not Linux.
    return [];
  }
}
