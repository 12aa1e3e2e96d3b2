import { readdirSync, readFileSync } from "node:fs";

/** Bytes in a page of memory (getconf PAGESIZE) on the machines that Lever runs on. */
const PAGE_BYTES = 4_096;

/** Memory of one process and of all that it has started. */
export interface ProcessesMemory {
  /** Private memory only: memory shared with other processes, such as a program's code, does not count. */
  readonly bytes: number;
  /** The part of it that is the process itself. */
  readonly leaderBytes: number;
  readonly pids: readonly number[];
}

export interface ProcessParents {
  readonly parent: number;
  readonly session: number;
}

/** The memory of some processes, each the leader of a session, with all that they have started (proc(5)). */
export function memoryOf(leaders: ReadonlySet<number>): Map<number, ProcessesMemory> {
  const memory = new Map<number, ProcessesMemory>();
  for (const [leader, pids] of groupByLeader(readProcesses(), leaders)) {
    let bytes = 0;
    let leaderBytes = 0;
    for (const pid of pids) {
      const used = privateBytes(pid);
      bytes += used;
      if (pid === leader) leaderBytes = used;
    }
    memory.set(leader, { bytes, leaderBytes, pids });
  }
  return memory;
}

/**
 * The processes of each leader: those in its session, even if their parent has exited, and those outside of it while
 * the chain of their parents leads to the session.
 */
export function groupByLeader(
  processes: ReadonlyMap<number, ProcessParents>,
  leaders: ReadonlySet<number>,
): Map<number, number[]> {
  const groups = new Map<number, number[]>();
  for (const pid of processes.keys()) {
    const leader = leaderOf(pid, processes, leaders);
    if (leader === undefined) continue;
    const group = groups.get(leader);
    if (group === undefined) groups.set(leader, [pid]);
    else group.push(pid);
  }
  return groups;
}

function leaderOf(
  pid: number,
  processes: ReadonlyMap<number, ProcessParents>,
  leaders: ReadonlySet<number>,
): number | undefined {
  // Bounded: /proc is not read at one moment, so reused pids may form a cycle.
  for (let at = pid, steps = 0; steps < processes.size; steps++) {
    const parents = processes.get(at);
    if (parents === undefined) return undefined;
    if (leaders.has(at)) return at;
    if (leaders.has(parents.session)) return parents.session;
    at = parents.parent;
  }
  return undefined;
}

function readProcesses(): Map<number, ProcessParents> {
  const processes = new Map<number, ProcessParents>();
  for (const name of readDir("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const parents = parseStat(readProc(`${pid}/stat`));
    if (parents !== undefined) processes.set(pid, parents);
  }
  return processes;
}

/** Reads `/proc/<pid>/stat`; undefined for an incomplete text. */
export function parseStat(stat: string): ProcessParents | undefined {
  // The second field, the program's name in parentheses, may hold spaces; then: state, parent, group, session.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ", 4);
  if (fields.length < 4) return undefined;
  return { parent: Number(fields[1]), session: Number(fields[3]) };
}

/** Private memory of one process; 0 when it has exited. statm: size, resident, shared, … in pages. */
export function privateBytes(pid: number): number {
  const [, resident, shared] = readProc(`${pid}/statm`).split(" ");
  return (Number(resident ?? 0) - Number(shared ?? 0)) * PAGE_BYTES;
}

/** Empty for a process that has exited. */
function readProc(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, "utf8");
  } catch {
    return "";
  }
}

/** Empty on other systems than Linux, which have no /proc. */
function readDir(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
