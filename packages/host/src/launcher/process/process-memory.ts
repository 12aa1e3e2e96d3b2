import { readdirSync, readFileSync } from "node:fs";

/** Bytes in a page of memory (getconf PAGESIZE) on the machines that Lever runs on. */
const PAGE_BYTES = 4_096;
/** The unit of processor time in `/proc` (getconf CLK_TCK), on the same. */
const TICKS_PER_SECOND = 100;

/** Memory of one process and of all that it has started. */
export interface ProcessesMemory {
  /** Private memory only: memory shared with other processes, such as a program's code, does not count. */
  readonly bytes: number;
  /** The part of it that is the process itself. */
  readonly leaderBytes: number;
  /** Processor time of those that run, and of those that they have waited for. */
  readonly cpuSeconds: number;
  readonly pids: readonly number[];
}

export interface ProcessParents {
  readonly parent: number;
  readonly session: number;
}

interface ReadProcess extends ProcessParents {
  /** Its own, and that of ended children that it has waited for. */
  readonly cpuSeconds: number;
}

/** In so many reads, every process of the machine is read at least once. */
const TURNS = 20;

/**
 * Reads the memory of processes again and again. A machine has many processes of others, and to read them all each time
 * would hold up calls for milliseconds. Therefore a process that belongs to no leader is read again only at its turn.
 */
export class MemoryReader {
  /** Processes that belonged to no leader when they were last read. */
  #others: ReadonlySet<number> = new Set();
  #turn = 0;

  /** As `memoryOf`. A process that gets the number of an ended one may be missed until its turn. */
  read(leaders: ReadonlySet<number>): Map<number, ProcessesMemory> {
    this.#turn = (this.#turn + 1) % TURNS;
    const others = new Set<number>();
    const processes = readProcesses((pid) => {
      if (!this.#others.has(pid) || pid % TURNS === this.#turn || leaders.has(pid)) return false;
      others.add(pid);
      return true;
    });
    const groups = groupByLeader(processes, leaders);
    const owned = new Set([...groups.values()].flat());
    for (const pid of processes.keys()) if (!owned.has(pid)) others.add(pid);
    this.#others = others;
    return memoryOfGroups(groups, processes);
  }
}

/** The memory of some processes, each the leader of a session, with all that they have started (proc(5)). */
export function memoryOf(leaders: ReadonlySet<number>): Map<number, ProcessesMemory> {
  const processes = readProcesses();
  return memoryOfGroups(groupByLeader(processes, leaders), processes);
}

function memoryOfGroups(
  groups: ReadonlyMap<number, readonly number[]>,
  processes: ReadonlyMap<number, ReadProcess>,
): Map<number, ProcessesMemory> {
  const memory = new Map<number, ProcessesMemory>();
  for (const [leader, pids] of groups) {
    let bytes = 0;
    let leaderBytes = 0;
    let cpuSeconds = 0;
    for (const pid of pids) {
      const used = privateBytes(pid);
      bytes += used;
      cpuSeconds += processes.get(pid)?.cpuSeconds ?? 0;
      if (pid === leader) leaderBytes = used;
    }
    memory.set(leader, { bytes, leaderBytes, cpuSeconds, pids });
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

function readProcesses(isSkipped = (_: number): boolean => false): Map<number, ReadProcess> {
  const processes = new Map<number, ReadProcess>();
  for (const name of readDir("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || isSkipped(pid)) continue;
    const stat = readProc(`${pid}/stat`);
    const parents = parseStat(stat);
    if (parents !== undefined) processes.set(pid, { ...parents, cpuSeconds: cpuSecondsOf(stat) });
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

/** Reads utime, stime, cutime and cstime, the fields 14 to 17 of `/proc/<pid>/stat`. */
export function cpuSecondsOf(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ", 15);
  const ticks = fields.slice(11).reduce((sum, field) => sum + Number(field), 0);
  return ticks / TICKS_PER_SECOND;
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
