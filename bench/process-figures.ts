import { readdirSync, readFileSync } from "node:fs";

/** The memory of a process in bytes, with its share of what it has in common with others. */
export function proportionalBytes(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1]) * 1024;
}

/** Milliseconds that a process has computed, by itself and in the kernel, to 10 ms. */
export function computedMs(pid: number): number {
  const fields = statOf(pid);
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Microseconds that the threads of a process have computed so far. A thread that has ended no longer counts. */
export function computedUs(pid: number): number {
  let ns = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    ns += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ", 1)[0]);
  }
  return ns / 1_000;
}

/** Processor time of all processes that this one has started and that have ended. */
export function endedMs(): number {
  const fields = statOf("self");
  return (Number(fields[13]) + Number(fields[14])) * 10;
}

/** Fields of `/proc/<pid>/stat` from the third on (proc(5)). */
function statOf(pid: number | "self"): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // Its name may hold spaces: the fields are counted from behind it.
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}
