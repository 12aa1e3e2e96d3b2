import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { childrenOf, commandOf } from "./child-processes.ts";

/** The pids of a host's gateway workers. */
export function workersOf(hostPid: number): number[] {
  return childrenOf(hostPid).filter((pid) => commandOf(pid).includes("/workers/worker-main."));
}

/** The pid of a host's keeper. */
export function keeperOf(hostPid: number): number {
  const keeper = childrenOf(hostPid).find((pid) => commandOf(pid).includes("/keeper/keeper-main."));
  if (keeper === undefined) throw new Error(`The host ${hostPid} has no keeper.`);
  return keeper;
}

/** Sockets that a process has open. */
export function socketsOf(pid: number): number {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).filter((fd) => linkOf(`${folder}/${fd}`).startsWith("socket:")).length;
}

/** False for a process that has ended, also when its parent has not waited for it. */
export function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
