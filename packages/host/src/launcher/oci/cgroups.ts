import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { CPU_PERIOD_US, type Share } from "./container-config.ts";

const ROOT = "/sys/fs/cgroup";
/** Controllers of cgroups v1 that hold a container; a runtime makes it a group in each that the machine has. */
const V1_CONTROLLERS = ["memory", "cpu", "pids"] as const;

/** Version 2 has all controllers in one tree (cgroups(7)). */
export const hasCgroups2 = (): boolean => existsSync(join(ROOT, "cgroup.controllers"));

/** Why control groups cannot hold containers here; undefined when they can. */
export function cgroupsMissing(): string | undefined {
  const has = hasCgroups2()
    ? readFileSync(join(ROOT, "cgroup.controllers"), "utf8").trim().split(" ")
    : V1_CONTROLLERS.filter((name) => existsSync(join(ROOT, name, "tasks")));
  const missing = V1_CONTROLLERS.filter((name) => !has.includes(name));
  return missing.length === 0 ? undefined : `control groups lack ${missing.join(", ")}`;
}

/** The group below a container's own, which the container runtime makes and removes. */
export const INNER_GROUP = "instance";
/** Of an instance's memory, what its sockets may hold beside it, where that is counted apart. */
const SOCKET_SHARE = 0.25;

/**
 * The control group around one container: what it may use, and what it has used. The container's processes are in a
 * group below, which the container runtime makes and removes.
 */
export class ContainerCgroup {
  readonly #path: string;
  readonly #isV2 = hasCgroups2();

  /** `path`: absolute, from the root of the control groups. */
  constructor(path: string) {
    this.#path = path;
  }

  /** @throws Error when the kernel makes no group. */
  create(share: Share): void {
    for (const controller of V1_CONTROLLERS) {
      mkdirSync(this.#file(controller, ""), { recursive: true });
    }
    if (this.#isV2) {
      const on = V1_CONTROLLERS.map((name) => `+${name}`).join(" ");
      // From the root down: a group has those controllers that the one above passes on (cgroups(7)).
      for (const dir of [ROOT, join(ROOT, dirname(this.#path)), join(ROOT, this.#path)]) {
        writeFileSync(join(dir, "cgroup.subtree_control"), on);
      }
    }
    this.setLimits(share);
  }

  /** @throws Error when the kernel refuses a value. */
  setLimits(share: Share): void {
    if (this.#isV2) {
      this.#write("memory", "memory.max", share.memoryBytes);
      this.#write("cpu", "cpu.weight", share.cpuWeight);
      this.#write("cpu", "cpu.max", `${share.cpuQuotaUs ?? "max"} ${CPU_PERIOD_US}`);
    } else {
      this.#write("memory", "memory.limit_in_bytes", share.memoryBytes);
      this.#write("cpu", "cpu.shares", share.cpuShares);
      this.#write("cpu", "cpu.cfs_quota_us", share.cpuQuotaUs ?? -1);
    }
    this.#write("pids", "pids.max", share.pids);
  }

  /**
   * Sets what the kernel takes for the inner group alone, once that is there. Version 1 does not count what sockets
   * hold as memory, unless told so there; else one container could have all that the machine gives to TCP.
   */
  setInnerLimits({ memoryBytes }: Share): void {
    if (this.#isV2) return;
    const most = Math.round(memoryBytes * SOCKET_SHARE);
    this.#write("memory", `${INNER_GROUP}/memory.kmem.tcp.limit_in_bytes`, most);
  }

  /** @throws Error when a process in it does not end. */
  async remove(): Promise<void> {
    await removeCgroups(this.#path);
  }

  /**
   * True when it has used all its memory, so that a KILL from nobody came from the kernel. Version 2 counts those;
   * version 1 counts them in the inner group, which is gone by then, but knows here how often there was none left.
   */
  get ranOutOfMemory(): boolean {
    return this.#isV2
      ? /^oom_kill [1-9]/m.test(this.#read("memory", "memory.events"))
      : Number(this.#read("memory", "memory.failcnt")) > 0;
  }

  /** Bytes in use now, files it has in memory included. */
  get memoryBytes(): number {
    return Number(this.#read("memory", this.#isV2 ? "memory.current" : "memory.usage_in_bytes"));
  }

  /** The most that were in use at once; 0 where the kernel does not say. */
  get memoryBytesMost(): number {
    return Number(this.#read("memory", this.#isV2 ? "memory.peak" : "memory.max_usage_in_bytes"));
  }

  #read(controller: string, file: string): string {
    try {
      return readFileSync(this.#file(controller, file), "utf8");
    } catch {
      return "";
    }
  }

  #write(controller: string, file: string, value: number | string): void {
    writeFileSync(this.#file(controller, file), String(value));
  }

  #file(controller: string, file: string): string {
    return join(ROOT, this.#isV2 ? "" : controller, this.#path, file);
  }
}

/** How long processes that were killed may take to be gone, and how often that is looked at. */
const GONE_WITHIN_MS = 5_000;
const LOOK_EVERY_MS = 10;

/**
 * Ends everything in a group, and removes it with all groups below.
 * @throws Error when a process in it does not end within 5 s.
 */
export async function removeCgroups(path: string): Promise<void> {
  const trees = hasCgroups2() ? [ROOT] : readdirSync(ROOT).map((name) => join(ROOT, name));
  const left = (): string[] => trees.map((tree) => join(tree, path)).filter(existsSync);
  for (let waited = 0; ; waited += LOOK_EVERY_MS) {
    for (const dir of left()) removeTree(dir);
    if (left().length === 0) return;
    if (waited >= GONE_WITHIN_MS) throw new Error(`The control group ${path} is still in use.`);
    await delay(LOOK_EVERY_MS);
  }
}

/** Others remove groups too, the container runtime above all: what is gone meanwhile is as wanted. */
function removeTree(dir: string): void {
  try {
    for (const entry of readdirSync(dir, { withFileTypes: true })) {
      if (entry.isDirectory()) removeTree(join(dir, entry.name));
    }
    for (const pid of readFileSync(join(dir, "cgroup.procs"), "utf8").split("\n")) {
      if (Number(pid) > 1) process.kill(Number(pid), "SIGKILL");
    }
    rmdirSync(dir);
  } catch {
    // Gone, or its processes take a moment to be: the next look tells.
  }
}
