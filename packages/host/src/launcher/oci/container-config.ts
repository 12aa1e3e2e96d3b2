import type { ResourceShare } from "./resource-share.ts";
import { seccompFilter } from "./seccomp.ts";

/** The user and group inside a container. */
export const CONTAINER_UID = 1_000;
/** Users of the host that a container's root and its user are mapped to. No account of the host has such a high number. */
const HOST_ROOT_UID = 0x7f00_0000;
export const HOST_USER_UID: number = HOST_ROOT_UID + 1;

/** Where a container sees the folder that the host adds mounts to. */
export const SANDBOX = "/lever/sandbox";

export interface ContainerOptions {
  /** Folder of the read-only root. */
  readonly rootfs: string;
  /** Folder of the host. The container sees the mounts that the host adds to it, at `SANDBOX`. */
  readonly sandboxDir: string;
  /** Path of the control group for the container's processes, from the root of the control groups. */
  readonly cgroup: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly share: ResourceShare;
}

/**
 * Pending signals and timers. The kernel counts those of all containers towards the limit of the host's root, whose user
 * namespace is above theirs (user_namespaces(7)). That limit is about 4,000 for each gigabyte of the machine.
 */
const SIGNALS_MAX = 256;
/**
 * No core file is this small. This is the only value that also disables a crash handler in the host's core_pattern. Root
 * would run that handler for every crash, outside of the container's limits (fs/coredump.c of the kernel).
 */
const CORE_BYTES = 1;
/** Files and folders in one tmpfs. Each takes a kilobyte of memory that the size of the tmpfs does not include. */
const TMPFS_FILES_MAX = 8_192;

const MASKED_PATHS = [
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
const READ_ONLY_PATHS = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];
const NO_CAPABILITIES = {
  bounding: [],
  effective: [],
  inheritable: [],
  permitted: [],
  ambient: [],
};

/** The configuration of one container (`config.json` of the OCI runtime specification). */
export function containerConfig(options: ContainerOptions): object {
  const { share } = options;
  const inodes = `nr_inodes=${TMPFS_FILES_MAX}`;
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
      env: Object.entries(options.env).map(([name, value]) => `${name}=${value}`),
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
      // Slave propagation: mounts that the host adds appear here; mounts made here do not appear on the host.
      {
        destination: SANDBOX,
        type: "bind",
        source: options.sandboxDir,
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
      maskedPaths: MASKED_PATHS,
      readonlyPaths: READ_ONLY_PATHS,
    },
  };
}

function mount(destination: string, type: string, options: readonly string[]): object {
  return { destination, type, source: type, options };
}
