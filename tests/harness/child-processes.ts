import { readFileSync } from "node:fs";

/** Processes that a process has started, and that run. None when it has ended. */
export function childrenOf(pid: number): number[] {
  return readOf(pid, `task/${pid}/children`).split(" ").filter(Boolean).map(Number);
}

/** The arguments of a process in one text, each before a NUL; `""` = it has ended. */
export function commandOf(pid: number): string {
  return readOf(pid, "cmdline");
}

function readOf(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8").trim();
  } catch {
    return "";
  }
}

/** False = the process has already ended. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
