import { readFileSync, writeFileSync } from "node:fs";
import type { World } from "./attempt.ts";

/** Far above what a host needs in passing, far below what the attempts bring. */
const GROWTH_BYTES_MAX = 300e6;

/** Runs JavaScript in the probe. Returns its outcome, and whether the host's memory stayed within bounds meanwhile. */
export async function hostMemoryDuring({ lever, probe }: World, source: string): Promise<string> {
  // 5 = forget the peak so far (proc_pid_clear_refs(5)).
  writeFileSync(`/proc/${lever.pid}/clear_refs`, "5");
  const before = peakBytes(lever.pid);
  const answer = await probe("script", source);
  const grew = peakBytes(lever.pid) - before;
  return `${answer}, memory of the host ${grew < GROWTH_BYTES_MAX ? "bounded" : `grew by ${Math.round(grew / 1e6)} MB`}`;
}

function peakBytes(pid: number): number {
  const [, kilobytes] =
    /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kilobytes) * 1024;
}
