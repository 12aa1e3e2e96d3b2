import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Clock } from "../../clock.ts";
import {
  type CgroupValue,
  type CgroupVersion,
  type Controller,
  controllers,
  cpuFile,
  cpuSeconds,
  INNER_GROUP,
  innerLimitValues,
  limitValues,
  type MemoryFiles,
  memoryFiles,
  ranOutOfMemory,
} from "./cgroup-values.ts";
import { CGROUPS, cgroupVersion, removeCgroups } from "./cgroups.ts";
import type { ResourceShare } from "./resource-share.ts";

/**
 * The control group around one container: its limits, and what it has used. The container's processes are in a group
 * below. The container runtime removes that one when the container ends, before Lever could read its counters.
 */
export class ContainerCgroup {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #version: CgroupVersion = cgroupVersion();
  readonly #memoryFiles = memoryFiles(this.#version);

  /** `path`: absolute, from the root of the control groups. */
  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
  }

  /** Path of the group for the container's processes, from the root of the control groups. */
  get innerPath(): string {
    return `${this.#path}/${INNER_GROUP}`;
  }

  /** @throws Error when the kernel refuses the group or a limit. */
  create(share: ResourceShare): void {
    for (const controller of controllers) {
      mkdirSync(this.#file(controller, ""), { recursive: true });
    }
    if (this.#version === 2) {
      const enabled = controllers.map((name) => `+${name}`).join(" ");
      // From the root down: a group has only the controllers that its parent enables (cgroups(7)).
      for (const dir of [CGROUPS, join(CGROUPS, dirname(this.#path)), join(CGROUPS, this.#path)]) {
        writeFileSync(join(dir, "cgroup.subtree_control"), enabled);
      }
    }
    this.setLimits(share);
  }

  /** @throws Error when the kernel refuses a value. */
  setLimits(share: ResourceShare): void {
    this.#write(limitValues(share, this.#version));
  }

  /** Sets the limits of the inner group. Call it when the container runtime has created that. */
  setInnerLimits(share: ResourceShare): void {
    this.#write(innerLimitValues(share, this.#version));
  }

  /** @throws Error when a process in it does not exit. */
  async remove(): Promise<void> {
    await removeCgroups(this.#path, this.#clock);
  }

  /** True when it has used all its memory: a KILL that Lever did not send came from the kernel. */
  get ranOutOfMemory(): boolean {
    return ranOutOfMemory(this.#readMemory("failures"), this.#version);
  }

  /** Bytes in use now, including cached files. */
  get memoryBytes(): number {
    return Number(this.#readMemory("current"));
  }

  /** The most bytes in use at any time; 0 on a kernel without this counter. */
  get memoryBytesPeak(): number {
    return Number(this.#readMemory("peak"));
  }

  /** Processor time that all its processes have used. */
  get cpuSeconds(): number {
    return cpuSeconds(this.#read("cpuacct", cpuFile(this.#version)), this.#version);
  }

  #readMemory(counter: keyof MemoryFiles): string {
    return this.#read("memory", this.#memoryFiles[counter]);
  }

  /** Empty when the file or the group does not exist. */
  #read(controller: Controller | "cpuacct", file: string): string {
    try {
      return readFileSync(this.#file(controller, file), "utf8");
    } catch {
      return "";
    }
  }

  #write(values: readonly CgroupValue[]): void {
    for (const { controller, file, value } of values) {
      writeFileSync(this.#file(controller, file), value);
    }
  }

  #file(controller: Controller | "cpuacct", file: string): string {
    return join(CGROUPS, this.#version === 2 ? "" : controller, this.#path, file);
  }
}
