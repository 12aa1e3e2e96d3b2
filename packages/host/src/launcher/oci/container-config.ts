import { readFileSync } from "node:fs";
import { seccompFilter } from "./seccomp.ts";

/** The user inside a container. */
export const CONTAINER_UID = 1_000;
/** Users of the host that stand for a container's root and its user: too high for an account to have them. */
const HOST_ROOT_UID = 0x7f00_0000;
export const HOST_USER_UID: number = HOST_ROOT_UID + 1;

export interface ContainerOptions {
  /** The read-only root. */
  readonly rootfs: string;
  /** A folder of the host whose mounts show up in the container as they are made. */
  readonly box: string;
  readonly cgroup: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly share: Share;
}

/** What goes with the memory that an instance is allotted. */
export interface Share {
  readonly memoryBytes: number;
  /** Weight in cgroups v1; 1024 is one for 128 MB. */
  readonly cpuShares: number;
  /** Weight in cgroups v2: 1–10000, 100 for 128 MB. */
  readonly cpuWeight: number;
  /** Microseconds of processor time in each period of `CPU_PERIOD_US`; undefined = all that nobody else needs. */
  readonly cpuQuotaUs: number | undefined;
  /** Processes and threads. */
  readonly pids: number;
  readonly tmpBytes: number;
  readonly openFiles: number;
}

const MEGABYTE = 1_000_000;
/** A runtime alone has about a dozen threads. */
const PIDS_MIN = 64;

/** The kernel's own default; both versions of control groups start with it. */
export const CPU_PERIOD_US = 100_000;
/** The kernel takes no less. */
const CPU_QUOTA_US_MIN = 1_000;

/**
 * Signals and timers in wait. The kernel counts those of all containers together with the host's own root (they are below
 * it in user_namespaces(7)), which cannot have any more at about 4,000 for each gigabyte of the machine.
 */
const SIGNALS_MAX = 256;
/**
 * No core file is this small; and of all values this one alone keeps a crash handler away that the machine may have in
 * core_pattern, which root would run for every crash, outside of the container's limits (the kernel's fs/coredump.c).
 */
const CORE_BYTES = 1;
/** Files and folders on one file system in memory: each takes a kilobyte of memory that its size does not count. */
const MEMORY_FILES_MAX = 8_192;

/** All in proportion to `ram` (megabytes), with a floor where less would not run at all, but for a ceiling of processors. */
export function resourceShare(ram: number, maxCpu?: number): Share {
  return {
    memoryBytes: ram * MEGABYTE,
    cpuShares: Math.min(262_144, Math.max(2, Math.round(ram * 8))),
    cpuWeight: Math.min(10_000, Math.max(1, Math.round((ram * 100) / 128))),
    cpuQuotaUs:
      maxCpu === undefined
        ? undefined
        : Math.max(CPU_QUOTA_US_MIN, Math.round(maxCpu * CPU_PERIOD_US)),
    pids: Math.max(PIDS_MIN, Math.round(ram / 2)),
    // It counts as memory: filled, it leaves enough for the rest.
    tmpBytes: Math.round((ram * MEGABYTE) / 4),
    openFiles: Math.min(openFilesMax(), Math.max(1_024, ram * 16)),
  };
}

const OPEN_FILES_MAX = 65_536;

/** The most that any instance may open: nobody gives more than the host has (getrlimit(2)). */
function openFilesMax(): number {
  const limits = readFileSync("/proc/self/limits", "utf8");
  const hard = /^Max open files\s+\S+\s+(\d+)/m.exec(limits)?.[1];
  return Math.min(OPEN_FILES_MAX, Number(hard ?? OPEN_FILES_MAX));
}

const MASKED = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/config.gz",
  "/proc/interrupts",
  "/proc/kallsyms",
  "/proc/kcore",
  "/proc/key-users",
  "/proc/keys",
  "/proc/kmsg",
  "/proc/kpagecount",
  "/proc/latency_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/proc/timer_list",
  "/proc/timer_stats",
];
const READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];
const NO_CAPABILITIES = {
  bounding: [],
  effective: [],
  inheritable: [],
  permitted: [],
  ambient: [],
};

/** The configuration of one container, as the OCI runtime specification has it. */
export function containerConfig(options: ContainerOptions): object {
  const { share } = options;
  const inodes = `nr_inodes=${MEMORY_FILES_MAX}`;
  const ids = [
    { containerID: 0, hostID: HOST_ROOT_UID, size: 1 },
    { containerID: CONTAINER_UID, hostID: HOST_USER_UID, size: 1 },
  ];
  return {
    ociVersion: "1.0.2",
    process: {
      terminal: false,
      user: { uid: CONTAINER_UID, gid: CONTAINER_UID },
      args: options.args,
      env: options.env,
      cwd: "/",
      capabilities: NO_CAPABILITIES,
      rlimits: [
        { type: "RLIMIT_NOFILE", hard: share.openFiles, soft: share.openFiles },
        { type: "RLIMIT_SIGPENDING", hard: SIGNALS_MAX, soft: SIGNALS_MAX },
        { type: "RLIMIT_MSGQUEUE", hard: 0, soft: 0 },
        { type: "RLIMIT_CORE", hard: CORE_BYTES, soft: CORE_BYTES },
      ],
      noNewPrivileges: true,
    },
    root: { path: options.rootfs, readonly: true },
    hostname: "lever",
    mounts: [
      mount("/proc", "proc", ["nosuid", "noexec", "nodev"]),
      mount("/dev", "tmpfs", ["nosuid", "noexec", "mode=755", "size=64k"]),
      mount("/dev/shm", "tmpfs", ["nosuid", "noexec", "nodev", "mode=1777", "size=16m", inodes]),
      mount("/tmp", "tmpfs", ["nosuid", "nodev", "mode=1777", `size=${share.tmpBytes}`, inodes]),
      // What the host mounts there later shows up here, and nothing that is mounted here shows up there.
      {
        destination: "/lever/box",
        type: "bind",
        source: options.box,
        options: ["rbind", "rslave"],
      },
    ],
    linux: {
      namespaces: ["pid", "mount", "ipc", "uts", "network", "cgroup", "user"].map((type) => ({
        type,
      })),
      uidMappings: ids,
      gidMappings: ids,
      sysctl: {
        "net.ipv6.conf.all.disable_ipv6": "1",
        "net.ipv6.conf.default.disable_ipv6": "1",
      },
      cgroupsPath: options.cgroup,
      resources: { devices: [{ allow: false, access: "rwm" }] },
      seccomp: seccompFilter(),
      maskedPaths: MASKED,
      readonlyPaths: READ_ONLY,
    },
  };
}

function mount(destination: string, type: string, options: readonly string[]): object {
  return { destination, type, source: type, options };
}
