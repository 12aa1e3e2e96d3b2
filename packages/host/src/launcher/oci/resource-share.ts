import { readFileSync } from "node:fs";

/** The limits of one container. */
export interface ResourceShare {
  readonly memoryBytes: number;
  /** Weight in cgroups v1: 1024 for 128 MB. */
  readonly cpuShares: number;
  /** Weight in cgroups v2: 1–10000, 100 for 128 MB. */
  readonly cpuWeight: number;
  /** Microseconds of processor time in each period of `CPU_PERIOD_US`; undefined = no ceiling. */
  readonly cpuQuotaUs: number | undefined;
  /** Processes and threads. */
  readonly pids: number;
  /** Size of `/tmp`, which is in memory. */
  readonly tmpBytes: number;
  readonly openFiles: number;
}

const MEGABYTE = 1_000_000;
/** A runtime alone has about a dozen threads. */
const PIDS_MIN = 64;

/** The kernel's default in both versions of control groups. */
export const CPU_PERIOD_US = 100_000;
/** The smallest quota that the kernel accepts. */
const CPU_QUOTA_US_MIN = 1_000;

const OPEN_FILES_MIN = 1_024;
const OPEN_FILES_MAX = 65_536;

interface ShareOptions {
  /** Processors that the container may use at most; undefined = no ceiling. */
  readonly maxCpu?: number | undefined;
  /** Megabytes for Lever's own process beside a program. Default: 0 */
  readonly ownMb?: number;
  /** The most files that the host lets any container open. */
  readonly openFilesMax?: number;
}

/**
 * The limits that go with `ram` megabytes. All are in proportion to it, with a minimum below which a runtime would not
 * run. Only the ceiling of processors is independent.
 */
export function resourceShare(ram: number, options: ShareOptions = {}): ResourceShare {
  const { maxCpu, ownMb = 0, openFilesMax = readOpenFilesMax() } = options;
  return {
    memoryBytes: (ram + ownMb) * MEGABYTE,
    cpuShares: Math.min(262_144, Math.max(2, Math.round(ram * 8))),
    cpuWeight: Math.min(10_000, Math.max(1, Math.round((ram * 100) / 128))),
    cpuQuotaUs:
      maxCpu === undefined
        ? undefined
        : Math.max(CPU_QUOTA_US_MIN, Math.round(maxCpu * CPU_PERIOD_US)),
    pids: Math.max(PIDS_MIN, Math.round(ram / 2)),
    // Files in /tmp count as memory. A full /tmp leaves three quarters for the rest.
    tmpBytes: Math.round((ram * MEGABYTE) / 4),
    openFiles: Math.min(openFilesMax, Math.max(OPEN_FILES_MIN, ram * 16)),
  };
}

/** A process cannot raise a limit above the hard limit of its parent (getrlimit(2)). */
function readOpenFilesMax(): number {
  const limits = readFileSync("/proc/self/limits", "utf8");
  const hard = /^Max open files\s+\S+\s+(\d+)/m.exec(limits)?.[1];
  return Math.min(OPEN_FILES_MAX, Number(hard ?? OPEN_FILES_MAX));
}
