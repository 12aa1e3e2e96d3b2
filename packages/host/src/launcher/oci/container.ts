import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import type { Limits, SharedMemory } from "@leveros/protocol";
import { type Clock, delay } from "../../clock.ts";
import type { Log } from "../../logs/log.ts";
import { type LinkedProcess, startLinked } from "../../processes/linked-process.ts";
import type { ProcessExit } from "../../processes/process-exit.ts";
import { readOutput } from "../../processes/read-output.ts";
import { runTool } from "../../processes/run-tool.ts";
import {
  type InstanceAccess,
  type LaunchedRuntime,
  type LaunchOptions,
  OWN_MEMORY_MB,
  outOfMemory,
  type VisiblePaths,
} from "../launcher.ts";
import { nodeVariables } from "../node-flags.ts";
import { watchOutputEnd } from "../output-end.ts";
import { privateBytes } from "../process/process-memory.ts";
import type { NetworkLink } from "./cni-result.ts";
import { ContainerCgroup } from "./container-cgroup.ts";
import { containerConfig, SANDBOX } from "./container-config.ts";
import { containerExit } from "./container-exit.ts";
import type { ContainerNetwork } from "./container-network.ts";
import { resourceShare } from "./resource-share.ts";
import { Sandbox, visiblePaths } from "./sandbox.ts";
import { NODE_PATH, type SandboxRoot } from "./sandbox-root.ts";
import type { ServiceMount, ServiceMounts } from "./service-mounts.ts";

/** How long a container that is no longer needed may take to start before its container runtime is killed. */
const START_GRACE_MS = 5_000;
/** How often Lever looks for the pid of a container whose runtime has already sent its first message. */
const PID_CHECK_EVERY_MS = 2;
const ENV: Readonly<Record<string, string>> = {
  ...nodeVariables,
  PATH: `${NODE_PATH}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
  LANG: "C.UTF-8",
};

/** Shared by all containers of a host. */
export interface ContainerDeps {
  /** Path of the container runtime. */
  readonly runtime: string;
  readonly root: SandboxRoot;
  readonly network: ContainerNetwork;
  readonly serviceMounts: ServiceMounts;
  /** Path of the control group around all containers. */
  readonly cgroups: string;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly log: Log;
}

/** One container with a runtime in it. The README of this folder lists what it creates and removes, in order. */
export class Container implements LaunchedRuntime {
  isWarm = false;
  readonly socket: Duplex;
  readonly shared: SharedMemory | undefined;
  readonly exited: Promise<ProcessExit>;
  readonly prepared: Promise<NetworkLink>;
  /** Resolves when everything that the container created on the host has been removed. */
  readonly removed: Promise<void>;
  readonly #id = randomBytes(6).toString("hex");
  readonly #deps: ContainerDeps;
  readonly #ram: number;
  readonly #sandbox: Sandbox;
  readonly #cgroup: ContainerCgroup;
  /** The container runtime, which exits when the container has ended. */
  readonly #runner: LinkedProcess;
  readonly #unfinished: Promise<unknown>[] = [];
  #link: NetworkLink | undefined;
  #serviceMount: ServiceMount | undefined;
  #pid: number | undefined;
  /** Megabytes for Lever's own process beside a program. */
  #ownMb = 0;
  #wasKilled = false;
  #hasExited = false;
  #cpuSeconds = 0;

  constructor(deps: ContainerDeps, { ram, variables, onOutput }: LaunchOptions) {
    this.#deps = deps;
    this.#ram = ram;
    this.#sandbox = new Sandbox(deps.root, this.#id);
    this.#cgroup = new ContainerCgroup(`${deps.cgroups}/${this.#id}`, deps.clock);
    try {
      this.#cgroup.create(resourceShare(ram));
      this.#runner = this.#start(variables);
    } catch (error) {
      void this.#tryStep(() => this.#cgroup.remove());
      void this.#tryStep(() => this.#sandbox.remove());
      throw error;
    }
    const { child, socket, shared } = this.#runner;
    this.socket = socket;
    this.shared = shared;
    const output = readOutput(child, onOutput, deps.clock);
    const outputEnd = watchOutputEnd(child, output, deps.clock);
    this.exited = new Promise<ProcessExit>((resolve) => {
      child.once("exit", (status, signalName) => {
        this.#hasExited = true;
        // Its control group is removed.
        void this.cpuSeconds;
        output.readRest();
        const exit = this.#exitOf(status, signalName);
        void outputEnd().then(() => resolve(exit));
      });
    });
    this.prepared = new Promise((resolve, reject) => {
      socket.once("readable", () => this.#untilRemoved(this.#prepare()).then(resolve, reject));
      void this.exited.then(() => reject(new Error("The container has ended.")));
    });
    this.prepared.catch(() => {});
    this.removed = this.exited.then(() => this.#remove());
  }

  /** Starts the container runtime, which starts the container. */
  #start(given: LaunchOptions["variables"]): LinkedProcess {
    const { runtime, root } = this.#deps;
    const { dir, bundle, pidFile } = this.#sandbox;
    return startLinked(({ variables, fds }) => {
      this.#sandbox.writeConfig(
        containerConfig({
          rootfs: root.rootfs,
          sandboxDir: dir,
          cgroup: this.#cgroup.innerPath,
          args: root.command(this.#ram),
          env: { ...ENV, ...given, ...variables },
          share: resourceShare(this.#ram),
        }),
      );
      const options = ["--bundle", bundle, "--pid-file", pidFile, "--preserve-fds", String(fds)];
      return {
        program: runtime,
        args: ["--root", root.state, "run", ...options, this.#id],
        env: { PATH: process.env["PATH"] },
        cwd: "/",
      };
    });
  }

  /** Pid of the runtime in the container, as the host sees it; of the container runtime until the former is known. */
  get pid(): number {
    return this.#pid ?? this.#runner.pid;
  }

  get memoryBytes(): number {
    // After the exit, the group still counts cached files until it is removed.
    if (this.#hasExited) return 0;
    const ownBytes = Math.min(this.#ownMb * 1e6, privateBytes(this.pid));
    return Math.max(0, this.#cgroup.memoryBytes - ownBytes);
  }

  get cpuSeconds(): number {
    this.#cpuSeconds = Math.max(this.#cpuSeconds, this.#cgroup.cpuSeconds);
    return this.#cpuSeconds;
  }

  attach(access: InstanceAccess): Promise<VisiblePaths> {
    return this.#untilRemoved(this.#attach(access));
  }

  async #attach(access: InstanceAccess): Promise<VisiblePaths> {
    const { network, serviceMounts } = this.#deps;
    const { maxCpu, entry } = access;
    if (entry !== undefined) this.#ownMb = OWN_MEMORY_MB;
    if (maxCpu !== undefined || entry !== undefined) {
      this.#cgroup.setLimits(resourceShare(this.#ram, { maxCpu, ownMb: this.#ownMb }));
    }
    const joined = this.prepared.then((link) => network.joinEnvironment(link, access));
    const mounted = async (): Promise<void> => {
      this.#serviceMount = await serviceMounts.acquire(access);
      await this.#sandbox.mountService(this.#serviceMount.dir);
    };
    await Promise.all([mounted(), joined]);
    return { ...visiblePaths(SANDBOX), hasOwnPorts: true };
  }

  terminate(): void {
    if (this.#hasExited) return;
    if (this.#pid === undefined) this.kill();
    else signal(this.#pid, "SIGTERM");
  }

  /** The kernel kills all processes of a container with its first one. */
  kill(): void {
    if (this.#hasExited) return;
    this.#wasKilled = true;
    if (this.#pid !== undefined) {
      signal(this.#pid, "SIGKILL");
      return;
    }
    // A container runtime that is killed while it starts the container would leave a process with an unknown pid.
    const { clock } = this.#deps;
    const timer = clock.setTimeout(() => signal(-this.#runner.pid, "SIGKILL"), START_GRACE_MS);
    void this.exited.then(() => clock.clearTimeout(timer));
  }

  /** Sets up what needs the running container: its inner limits and its network. */
  async #prepare(): Promise<NetworkLink> {
    const { network, limits } = this.#deps;
    const pid = await this.#waitForPid();
    this.#pid = pid;
    if (this.#wasKilled) this.kill();
    this.#cgroup.setInnerLimits(resourceShare(this.#ram));
    const link = await network.connect(this.#id, pid);
    this.#link = link;
    await network.limitRate(link, pid, this.#ram * limits.networkBytesPerSecondPerMb);
    return link;
  }

  /** The container runtime writes the pid after it has started the process, which may send a message earlier. */
  async #waitForPid(): Promise<number> {
    while (!this.#hasExited) {
      const pid = this.#sandbox.readPid();
      if (pid !== undefined) return pid;
      await delay(this.#deps.clock, PID_CHECK_EVERY_MS);
    }
    throw new Error("The container has ended.");
  }

  #exitOf(status: number | null, signalName: string | null): ProcessExit {
    const exit = containerExit(status, signalName);
    const isOutOfMemory =
      exit.signal === "SIGKILL" && !this.#wasKilled && this.#cgroup.ranOutOfMemory;
    if (!isOutOfMemory) return exit;
    return {
      ...exit,
      limit: outOfMemory(this.#ram, this.#cgroup.memoryBytesPeak - this.#ownMb * 1e6),
    };
  }

  /** Removal waits for this work: what it creates after the removal would stay. */
  #untilRemoved<T>(work: Promise<T>): Promise<T> {
    this.#unfinished.push(work);
    return work;
  }

  async #remove(): Promise<void> {
    const { root, network, serviceMounts, runtime } = this.#deps;
    await Promise.allSettled(this.#unfinished);
    const low = { priority: "low" } as const;
    const steps = [
      // Does something only when the container runtime was killed itself.
      () => runTool(runtime, ["--root", root.state, "delete", "--force", this.#id], low),
      () => network.disconnect(this.#id, this.#link),
      () => this.#sandbox.unmountService(),
      () => this.#serviceMount && serviceMounts.release(this.#serviceMount),
      () => this.#cgroup.remove(),
      () => this.#sandbox.remove(),
    ];
    for (const step of steps) await this.#tryStep(step);
  }

  /** A failed step must not keep the next ones from running. */
  async #tryStep(step: () => unknown): Promise<void> {
    try {
      await step();
    } catch (error) {
      const fields = { container: this.#id, reason: String(error) };
      this.#deps.log("debug", "launcher", "container cleanup failed", fields);
    }
  }
}

function signal(pid: number, name: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has exited.
  }
}
