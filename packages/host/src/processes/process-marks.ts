/**
 * Marks on the processes of instances. What a process starts inherits its mark, also in a session of its own, after the
 * exit of its parent, and with an empty environment. So Lever finds it when the instance has ended.
 *
 * A mark is the value of a limit that Linux has and does not apply: the number of file locks (RLIMIT_LOCKS, getrlimit(2)).
 * Without privileges a process cannot raise it. It can lower it: marks protect against accidents, not against hostile code.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { type Clock, delay } from "../clock.ts";
import { processStat } from "./process-stat.ts";

/** The digits of a mark: 8, pid of the host, end of its start time, number of the instance. Below 2^63. */
const FIRST_DIGIT = "8";
const PID_DIGITS = 7;
const START_DIGITS = 5;
const NUMBER_DIGITS = 6;

/** How often Lever looks again for processes that it has killed, or that they have started meanwhile. */
const ROUNDS_MAX = 100;
const ROUND_MS = 5;

/** The host that a mark belongs to. */
interface MarkOwner {
  readonly pid: number;
  /** The last digits of its start time. */
  readonly startTime: string;
}

/** The common beginning of all marks of a host; undefined on a system without such processes. */
export function markPrefix(hostPid: number): string | undefined {
  const stat = processStat(hostPid);
  if (stat === undefined) return undefined;
  return `${FIRST_DIGIT}${String(hostPid).padStart(PID_DIGITS, "0")}${lastDigits(stat.startTime)}`;
}

/** The mark of an instance. `number`: the numbers of a host's instances begin again after a million. */
export function markOf(prefix: string, number: number): string {
  return `${prefix}${String(number % 10 ** NUMBER_DIGITS).padStart(NUMBER_DIGITS, "0")}`;
}

/** A pattern (grep -E) for all marks of a host. */
export function marksWith(prefix: string): string {
  return `${prefix}[0-9]{${NUMBER_DIGITS}}`;
}

/** Reads the owner from `/proc/<pid>/limits`; undefined = the process has no mark. */
export function parseMark(limits: string): MarkOwner | undefined {
  const [, pid, startTime] = MARK_LINE.exec(limits) ?? [];
  return pid === undefined || startTime === undefined ? undefined : { pid: Number(pid), startTime };
}

const MARK_LINE = new RegExp(
  `^Max file locks +${FIRST_DIGIT}(\\d{${PID_DIGITS}})(\\d{${START_DIGITS}})\\d{${NUMBER_DIGITS}} `,
  "m",
);

/**
 * Kills every process of an instance whose host is gone, and returns their pids. Processes in another pid namespace stay:
 * their host may live there. So do those that this user may not kill.
 */
export async function killUnowned(clock: Clock): Promise<readonly number[]> {
  const killed = new Set<number>();
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const found = findUnowned().filter(kill);
    if (found.length === 0) break;
    for (const pid of found) killed.add(pid);
    await delay(clock, ROUND_MS);
  }
  return [...killed];
}

/** The processes of instances whose host is gone. */
export function findUnowned(): readonly number[] {
  const namespace = pidNamespace("self");
  const isGone = new Map<string, boolean>();
  return processes().filter((pid) => {
    const owner = parseMark(readProc(`${pid}/limits`));
    if (owner === undefined || namespace === undefined) return false;
    const key = `${owner.pid} ${owner.startTime}`;
    const gone = isGone.get(key) ?? !isAlive(owner);
    isGone.set(key, gone);
    // One that has exited and waits for its parent cannot be killed again.
    return gone && pidNamespace(String(pid)) === namespace && processStat(pid)?.isRunning === true;
  });
}

/** The mark of a process, as a line of `/proc/<pid>/limits`; undefined = it has none. */
export function markLineOf(pid: number): string | undefined {
  return MARK_LINE.exec(readProc(`${pid}/limits`))?.[0];
}

/** Kills every process with this mark, of this or another pid namespace. False = there was none. */
export function killMarked(line: string): boolean {
  const found = processes().filter(
    (pid) => markLineOf(pid) === line && processStat(pid)?.isRunning === true,
  );
  for (const pid of found) kill(pid);
  return found.length > 0;
}

function isAlive({ pid, startTime }: MarkOwner): boolean {
  const stat = processStat(pid);
  return stat?.isRunning === true && lastDigits(stat.startTime) === startTime;
}

function lastDigits(startTime: string): string {
  return startTime.slice(-START_DIGITS).padStart(START_DIGITS, "0");
}

function kill(pid: number): boolean {
  try {
    process.kill(pid, "SIGKILL");
    return true;
  } catch {
    return false;
  }
}

function processes(): number[] {
  try {
    return readdirSync("/proc").map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

/** Empty for a process that has exited. */
function readProc(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, "utf8");
  } catch {
    return "";
  }
}

/** undefined = it has exited, or is another user's. */
function pidNamespace(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined;
  }
}
