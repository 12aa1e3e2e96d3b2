import { CPU_PERIOD_US, type ResourceShare } from "./resource-share.ts";

export type CgroupVersion = 1 | 2;

/** Controllers that limit a container. Version 1 has a tree of groups for each; version 2 has one tree for all. */
export const controllers = ["memory", "cpu", "pids"] as const;
export type Controller = (typeof controllers)[number];

/** The group inside the container's own one. The container runtime creates and removes it. */
export const INNER_GROUP = "instance";
/** The part of an instance's memory that its sockets may use in addition, where the kernel counts that separately. */
const SOCKET_SHARE = 0.25;

/** One write to a file of a control group. */
export interface CgroupValue {
  readonly controller: Controller;
  /** Below the container's group. */
  readonly file: string;
  readonly value: string;
}

/** The values that limit a container to its share (cgroups(7)). */
export function limitValues(share: ResourceShare, version: CgroupVersion): readonly CgroupValue[] {
  const { memoryBytes, cpuShares, cpuWeight, cpuQuotaUs, pids } = share;
  const values: readonly (readonly [Controller, string, string | number])[] =
    version === 2
      ? [
          ["memory", "memory.max", memoryBytes],
          ["cpu", "cpu.weight", cpuWeight],
          ["cpu", "cpu.max", `${cpuQuotaUs ?? "max"} ${CPU_PERIOD_US}`],
          ["pids", "pids.max", pids],
        ]
      : [
          ["memory", "memory.limit_in_bytes", memoryBytes],
          ["cpu", "cpu.shares", cpuShares],
          ["cpu", "cpu.cfs_quota_us", cpuQuotaUs ?? -1],
          ["pids", "pids.max", pids],
        ];
  return values.map(([controller, file, value]) => ({ controller, file, value: String(value) }));
}

/**
 * Limits that the kernel accepts for the inner group only, once it exists. Version 1 does not count the memory of sockets
 * unless this limit is set. Without it, one container could use all memory that the machine reserves for TCP.
 */
export function innerLimitValues(
  { memoryBytes }: ResourceShare,
  version: CgroupVersion,
): readonly CgroupValue[] {
  if (version === 2) return [];
  const value = String(Math.round(memoryBytes * SOCKET_SHARE));
  return [{ controller: "memory", file: `${INNER_GROUP}/memory.kmem.tcp.limit_in_bytes`, value }];
}

/** Files of a group with counters of its memory. */
export interface MemoryFiles {
  readonly current: string;
  readonly peak: string;
  readonly failures: string;
}

export function memoryFiles(version: CgroupVersion): MemoryFiles {
  return version === 2
    ? { current: "memory.current", peak: "memory.peak", failures: "memory.events" }
    : {
        current: "memory.usage_in_bytes",
        peak: "memory.max_usage_in_bytes",
        failures: "memory.failcnt",
      };
}

/**
 * Whether the content of `MemoryFiles.failures` means that the group ran out of memory. Version 2 counts the processes that
 * the kernel killed for it. Version 1 counts those in the inner group, which no longer exists when the container has
 * ended. The outer group counts how often it had no memory left.
 */
export function ranOutOfMemory(failures: string, version: CgroupVersion): boolean {
  return version === 2 ? /^oom_kill [1-9]/m.test(failures) : Number(failures) > 0;
}

/** The file of a group with the processor time that it has used; in version 1 of the controller cpuacct. */
export function cpuFile(version: CgroupVersion): string {
  return version === 2 ? "cpu.stat" : "cpuacct.usage";
}

/** The processor time in the content of `cpuFile`: version 2 counts microseconds, version 1 nanoseconds. */
export function cpuSeconds(content: string, version: CgroupVersion): number {
  if (version === 1) return Number(content) / 1e9;
  return Number(/^usage_usec (\d+)$/m.exec(content)?.[1] ?? 0) / 1e6;
}
