import { readFileSync } from "node:fs";

/** A part of `/proc/<pid>/stat` (proc_pid_stat(5)). */
export interface ProcessStat {
  /** False = it has exited, and its parent has not noticed yet. */
  readonly isRunning: boolean;
  /** In clock ticks since the machine started. */
  readonly startTime: string;
}

/** undefined = there is no such process, or the system has no /proc. */
export function processStat(pid: number): ProcessStat | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field, the program's name in parentheses, may contain spaces. The state is field 3, the start time 22.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state = ""] = fields;
    const startTime = fields[19];
    return startTime === undefined ? undefined : { isRunning: !"ZX".includes(state), startTime };
  } catch {
    return undefined;
  }
}
