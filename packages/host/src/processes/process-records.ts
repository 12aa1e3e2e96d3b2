import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bootId } from "./boot-id.ts";
import { processStat } from "./process-stat.ts";

/**
 * Records on disk which processes the host has started, so that the next start kills those that a crash has left: a
 * runtime exits when its link closes, but not if it is in an endless loop, or has started other processes.
 */
export class ProcessRecords {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
    mkdirSync(dir, { recursive: true });
    chmodSync(dir, 0o700);
  }

  add(pid: number): void {
    writeFileSync(join(this.#dir, String(pid)), startTime(pid) ?? "");
  }

  remove(pid: number): void {
    rmSync(join(this.#dir, String(pid)), { force: true });
  }

  /** Kills the processes of an earlier host; returns their pids. A pid that now belongs to another process is skipped. */
  killOrphans(): number[] {
    const killed: number[] = [];
    for (const name of readdirSync(this.#dir)) {
      const pid = Number(name);
      const recorded = readFileSync(join(this.#dir, name), "utf8");
      if (Number.isSafeInteger(pid) && pid > 1 && recorded !== "" && startTime(pid) === recorded) {
        process.kill(-pid, "SIGKILL");
        killed.push(pid);
      }
      rmSync(join(this.#dir, name), { force: true });
    }
    return killed;
  }
}

/** The start time of a process, with the boot's id; undefined where there is no /proc. */
function startTime(pid: number): string | undefined {
  const stat = processStat(pid);
  const boot = bootId();
  return stat === undefined || boot === undefined ? undefined : `${stat.startTime} ${boot}`;
}
