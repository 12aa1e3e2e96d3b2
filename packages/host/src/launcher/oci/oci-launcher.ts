import type { ChildProcess } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, realpathSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import type { Limits, SharedMemory } from "@leveros/protocol";
import type { Log } from "../../logs/log.ts";
import { startLinked } from "../../processes/linked-process.ts";
import { readOutput } from "../../processes/read-output.ts";
import { runTool } from "../../processes/run-tool.ts";
import {
  DEFAULT_RAM_MB,
  type InstanceAccess,
  type LaunchedRuntime,
  type Launcher,
  type LaunchOptions,
  outOfMemory,
  type ProcessExit,
} from "../launcher.ts";
import { nodeVariables } from "../node-flags.ts";
import { serviceDisksDir } from "../service-data.ts";
import { ContainerCgroup, INNER_GROUP, removeCgroups } from "./cgroups.ts";
import { containerConfig, resourceShare } from "./container-config.ts";
import {
  ContainerNetwork,
  giveSubnetBack,
  type NetworkLink,
  removeNetwork,
} from "./container-network.ts";
import { makeSandboxRoot, removeSandboxRoot, type SandboxRoot } from "./sandbox-root.ts";
import { ServiceDisks } from "./service-disks.ts";
import { type ServiceMount, ServiceMounts } from "./service-mounts.ts";

export { type ContainerSupport, findContainerSupport } from "./container-support.ts";

const LOW_PRIORITY = { canWait: true };
/** How long the last output of an ended container is waited for. */
const OUTPUT_GRACE_MS = 200;
/** How long a container that is not needed any more may take to start, and then be ended in order. */
const START_GRACE_MS = 5_000;
/** How often it is looked whether a container's process is known, when it has spoken before that. */
const PID_EVERY_MS = 2;
const SANDBOXES = "/run/lever";
/** Where a container sees its service. */
const SERVICE_DIR = "service";
const ENV = {
  ...nodeVariables,
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  LANG: "C.UTF-8",
};
/** Exit statuses above this stand for a signal. */
const SIGNAL_STATUS = 128;

export interface OciOptions {
  /** The host's data folder: two hosts with different ones keep apart. */
  readonly dataDir: string;
  readonly limits: Limits;
  /** The container runtime's program. */
  readonly runtime: string;
  /** The folder of the CNI plugins. */
  readonly plugins: string;
  readonly log: Log;
}

export interface OciLauncher extends Launcher {
  /** @throws Error, with what was said, when a container does not start or cannot be entered. */
  probe(): Promise<void>;
  /** Removes what all containers share, when the last has ended. */
  close(): Promise<void>;
}

/** Opens the containers of this host. What an earlier host with the same data left is removed first. */
export async function openOciLauncher(options: OciOptions): Promise<OciLauncher> {
  const id = createHash("sha256").update(realpathSync(options.dataDir)).digest("hex").slice(0, 10);
  const dir = join(SANDBOXES, id);
  const cgroups = `/lever-${id}`;
  await removeLeftOvers({ id, dir, cgroups });
  mkdirSync(SANDBOXES, { recursive: true, mode: 0o711 });
  const root = await makeSandboxRoot(dir);
  const network = await ContainerNetwork.open(id, options.plugins, root.networks);
  const disks = new ServiceDisks({
    imagesDir: serviceDisksDir(options.dataDir),
    mountsDir: join(dir, "disks"),
    bytesMax: options.limits.serviceDataBytesMax,
  });
  const rooms = new ServiceMounts(disks, root.rooms);
  const ending = new Set<Promise<unknown>>();
  const launch = (of: LaunchOptions): Container => {
    const container = new Container({ ...options, root, network, rooms, cgroups }, of);
    ending.add(container.removed);
    void container.removed.finally(() => ending.delete(container.removed));
    return container;
  };
  return {
    launch,
    setNetwork: (environment, policy) => network.setPolicy(environment, policy),
    async probe() {
      let said = "";
      const onOutput = (chunk: Buffer): void => {
        said += chunk.toString("utf8").slice(0, 500 - said.length);
      };
      const container = launch({ ram: DEFAULT_RAM_MB, onOutput });
      try {
        await container.prepared;
      } catch (error) {
        await container.removed;
        throw new Error(said.trim() || String(error), { cause: error });
      }
      container.kill();
      await container.removed;
    },
    async close() {
      await Promise.all(ending);
      await rooms.closeAll();
      await disks.closeAll();
      await removeLeftOvers({ id, dir, cgroups });
    },
  };
}

async function removeLeftOvers(of: { id: string; dir: string; cgroups: string }): Promise<void> {
  await removeCgroups(of.cgroups);
  await giveSubnetBack(join(of.dir, "networks"));
  await removeSandboxRoot(of.dir);
  rmSync(of.dir, { recursive: true, force: true });
  await removeNetwork(of.id);
}

interface ContainerParts extends OciOptions {
  readonly root: SandboxRoot;
  readonly network: ContainerNetwork;
  readonly rooms: ServiceMounts;
  readonly cgroups: string;
}

/** One container, with a runtime in it. */
class Container implements LaunchedRuntime {
  isWarm = false;
  readonly socket: Duplex;
  readonly shared: SharedMemory | undefined;
  readonly exited: Promise<ProcessExit>;
  /** Resolves when nothing of it is left. */
  readonly removed: Promise<void>;
  readonly #id = randomBytes(6).toString("hex");
  readonly #deps: ContainerParts;
  readonly #sandboxDir: string;
  readonly #bundle: string;
  readonly #cgroup: ContainerCgroup;
  readonly #child: ChildProcess;
  readonly prepared: Promise<NetworkLink>;
  #link: NetworkLink | undefined;
  #mounts: string[] = [];
  readonly #underWay: Promise<unknown>[] = [];
  #room: ServiceMount | undefined;
  #pid: number | undefined;
  readonly #ram: number;
  #wasKilled = false;
  #hasEnded = false;

  constructor(parts: ContainerParts, { ram, onOutput }: LaunchOptions) {
    const { root, cgroups, runtime } = parts;
    this.#deps = parts;
    this.#ram = ram;
    this.#sandboxDir = join(root.sandboxDirs, this.#id);
    this.#bundle = join(root.bundles, this.#id);
    const share = resourceShare(ram);
    for (const path of [this.#sandboxDir, join(this.#sandboxDir, SERVICE_DIR), this.#bundle]) {
      mkdirSync(path, { mode: 0o755 });
    }
    // Its limits are set on a group of ours around the runtime's own, which is gone before anybody could ask it.
    const cgroup = `${cgroups}/${this.#id}`;
    this.#cgroup = new ContainerCgroup(cgroup);
    this.#cgroup.create(share);
    const pidFile = join(this.#bundle, "pid");
    const { child, socket, shared } = startLinked(({ variables, fds }) => {
      const env = { ...ENV, ...variables };
      const config = containerConfig({
        rootfs: root.rootfs,
        box: this.#sandboxDir,
        cgroup: `${cgroup}/${INNER_GROUP}`,
        args: root.command(ram),
        env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
        share,
      });
      writeFileSync(join(this.#bundle, "config.json"), JSON.stringify(config));
      const bundle = ["--bundle", this.#bundle, "--pid-file", pidFile];
      return {
        program: runtime,
        args: ["--root", root.state, "run", ...bundle, "--preserve-fds", String(fds), this.#id],
        env: { PATH: process.env["PATH"] },
        cwd: "/",
      };
    });
    this.#child = child;
    this.socket = socket;
    this.shared = shared;
    readOutput([this.#child.stdout, this.#child.stderr], onOutput);
    const closed = new Promise<void>((resolve) => this.#child.once("close", () => resolve()));
    this.exited = new Promise<ProcessExit>((resolve) => {
      this.#child.once("exit", (status, signal) => {
        this.#hasEnded = true;
        const exit = this.#exitOf(status, signal);
        // What it wrote last is still in the pipes; where the container runtime was killed, its child may hold them.
        const waited = delay(OUTPUT_GRACE_MS, undefined, { ref: false });
        void Promise.race([closed, waited]).then(() => resolve(exit));
      });
    });
    this.prepared = new Promise((resolve, reject) => {
      socket.once("readable", () => {
        const attaching = this.#attach(pidFile);
        this.#underWay.push(attaching);
        attaching.then(resolve, reject);
      });
      void this.exited.then(() => reject(new Error("The container has ended.")));
    });
    this.prepared.catch(() => {});
    this.removed = this.exited.then(() => this.#remove());
  }

  /** Of the runtime in the container, as the host sees it; of the container runtime until that has started it. */
  get pid(): number {
    return this.#pid ?? this.#child.pid ?? 0;
  }

  get memoryBytes(): number {
    return this.#cgroup.memoryBytes;
  }

  attach(room: InstanceAccess): Promise<{ codeDir: string; dataDir: string }> {
    const entering = this.#enter(room);
    this.#underWay.push(entering);
    return entering;
  }

  async #enter(room: InstanceAccess): Promise<{ codeDir: string; dataDir: string }> {
    const { maxCpu, environment } = room;
    if (maxCpu !== undefined) this.#cgroup.setLimits(resourceShare(this.#ram, maxCpu));
    const admitted = this.prepared.then((link) => this.#deps.network.admit(link, environment));
    await Promise.all([this.#mountService(room), admitted]);
    const seen = `/lever/box/${SERVICE_DIR}`;
    return { codeDir: `${seen}/code`, dataDir: `${seen}/data` };
  }

  terminate(): void {
    if (this.#hasEnded) return;
    if (this.#pid === undefined) this.kill();
    else signal(this.#pid, "SIGTERM");
  }

  /** The first process of a container takes all others with it. */
  kill(): void {
    if (this.#hasEnded) return;
    this.#wasKilled = true;
    if (this.#pid !== undefined) {
      signal(this.#pid, "SIGKILL");
      return;
    }
    // Killed halfway, the container runtime would leave a process behind that nobody knows: it may finish first.
    const late = setTimeout(() => signal(-(this.#child.pid ?? 0), "SIGKILL"), START_GRACE_MS);
    void this.exited.then(() => clearTimeout(late));
  }

  async #attach(pidFile: string): Promise<NetworkLink> {
    const { network, limits } = this.#deps;
    const pid = await this.#readPid(pidFile);
    this.#pid = pid;
    if (this.#wasKilled) this.kill();
    this.#cgroup.setInnerLimits(resourceShare(this.#ram));
    const link = await network.attach(this.#id, pid);
    this.#link = link;
    await network.limit(link, pid, this.#ram * limits.networkBytesPerSecondPerMb);
    return link;
  }

  /** The container runtime writes it down after it has started the process, which may be faster with what it says. */
  async #readPid(file: string): Promise<number> {
    while (!this.#hasEnded) {
      const pid = readPid(file);
      if (pid !== undefined) return pid;
      await delay(PID_EVERY_MS);
    }
    throw new Error("The container has ended.");
  }

  async #mountService(wanted: InstanceAccess): Promise<void> {
    const place = join(this.#sandboxDir, SERVICE_DIR);
    this.#room = await this.#deps.rooms.open(wanted);
    await runTool("mount", ["--rbind", this.#room.dir, place]);
    this.#mounts.push(place);
  }

  #exitOf(status: number | null, signalName: string | null): ProcessExit {
    const number = status !== null && status > SIGNAL_STATUS ? status - SIGNAL_STATUS : undefined;
    const name =
      signalName ?? Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
    const exit: ProcessExit =
      name === undefined
        ? { status: status ?? undefined, signal: undefined }
        : { status: undefined, signal: name };
    const limit = exit.signal === "SIGKILL" && !this.#wasKilled ? this.#outOfMemory() : undefined;
    return limit === undefined ? exit : { ...exit, limit };
  }

  #outOfMemory(): string | undefined {
    if (!this.#cgroup.ranOutOfMemory) return undefined;
    return outOfMemory(this.#ram, this.#cgroup.memoryBytesMost);
  }

  /** Nothing of it may stay: its mounts, address, groups and folders. */
  async #remove(): Promise<void> {
    const { root, network, rooms, runtime, log } = this.#deps;
    // What is being set up as it ends would be left behind.
    await Promise.allSettled(this.#underWay);
    const steps = [
      // Where the container runtime itself was killed, it could not clean up.
      () => runTool(runtime, ["--root", root.state, "delete", "--force", this.#id], LOW_PRIORITY),
      () => network.detach(this.#id, this.#link),
      () =>
        this.#mounts.length > 0
          ? runTool("umount", ["--lazy", "--recursive", ...this.#mounts], LOW_PRIORITY)
          : undefined,
      () => this.#room && rooms.close(this.#room),
      () => this.#cgroup.remove(),
      () => rmSync(this.#bundle, { recursive: true, force: true }),
      () => {
        // Never recursively: what is mounted there is somebody's code and data.
        for (const name of [SERVICE_DIR, ""]) rmdirSync(join(this.#sandboxDir, name));
      },
    ];
    for (const step of steps) {
      try {
        await step();
      } catch (error) {
        log("debug", "launcher", "container cleanup failed", {
          container: this.#id,
          reason: String(error),
        });
      }
    }
  }
}

function readPid(file: string): number | undefined {
  try {
    return Number(readFileSync(file, "utf8")) || undefined;
  } catch {
    return undefined;
  }
}

function signal(pid: number, name: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended.
  }
}
