import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Duplex } from "node:stream";
import { LeverError, type SharedMemory } from "@leveros/protocol";
import type { Clock } from "../../clock.ts";
import { systemReason } from "../../logs/system-reason.ts";
import { type LinkedProcess, startLinked } from "../../processes/linked-process.ts";
import type { ProcessExit } from "../../processes/process-exit.ts";
import type { ProcessRecords } from "../../processes/process-records.ts";
import { ProcessSweeper } from "../../processes/process-sweeper.ts";
import { readOutput } from "../../processes/read-output.ts";
import {
  type Development,
  type InstanceAccess,
  type LaunchedRuntime,
  type Launcher,
  type LaunchOptions,
  OWN_MEMORY_MB,
  outOfMemory,
  type VisiblePaths,
} from "../launcher.ts";
import { watchOutputEnd } from "../output-end.ts";
import {
  type DataReader,
  moveDiskToFolder,
  serviceDisksDir,
  serviceFoldersDir,
} from "../service-data.ts";
import { MemoryWatchdog } from "./memory-watchdog.ts";
import { prepareRuntimeCommand, type RuntimeCommand } from "./runtime-command.ts";
import { type Notes, ServiceUsers } from "./service-users.ts";
import { SingleFlight } from "./single-flight.ts";
import { tryUsers } from "./user-support.ts";

export interface ProcessOptions {
  readonly dataDir: string;
  readonly records: ProcessRecords;
  readonly notes: Notes;
  readonly clock: Clock;
  readonly development?: Development | undefined;
}

export interface ProcessLauncher extends Launcher, DataReader {
  /** Why services share Lever's user; undefined = each has its own. */
  readonly sharedUserReason: string | undefined;
  /** Ends what instances have left. Call it when the last one has exited. */
  close(): Promise<void>;
}

/**
 * Starts each runtime as a child process with a clean environment, Node's permission model, its own session and process
 * group, a mark, and one end of a socket pair as its link. Where Lever runs as root, each service also has a user of its
 * own. An instance that uses more than its `ram` is killed. This protects against accidents, not against hostile code.
 */
export async function openProcessLauncher(options: ProcessOptions): Promise<ProcessLauncher> {
  const { dataDir, notes, clock } = options;
  for (const dir of [join(dataDir, "code"), serviceFoldersDir(dataDir)]) {
    mkdirSync(dir, { recursive: true });
  }
  const temporary = join(dataDir, "tmp");
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary);
  chmodSync(temporary, 0o1777);
  const { development } = options;
  const sharedUserReason =
    development === undefined ? await tryUsers(dataDir) : "they are being developed";
  const users =
    sharedUserReason === undefined ? await ServiceUsers.open(dataDir, notes) : undefined;
  const sweeper = ProcessSweeper.open();
  const deps: RuntimeDeps = {
    ...options,
    users,
    watchdog: new MemoryWatchdog({ clock }),
    moving: new SingleFlight(),
    sweeper,
    command: prepareRuntimeCommand(dataDir, { hasUsers: users !== undefined, development }),
  };
  return {
    sharedUserReason,
    launch: (launchOptions) => new RuntimeProcess(deps, launchOptions),
    openServiceData: async (environment, service) => {
      const dir = join(serviceFoldersDir(dataDir), environment, service);
      const disk = join(serviceDisksDir(dataDir), environment, service);
      mkdirSync(dirname(dir), { recursive: true, mode: 0o711 });
      await deps.moving.run(dir, () => moveDiskToFolder(disk, dir));
      return { dir, release() {} };
    },
    close: async () => await sweeper?.close(),
  };
}

/** Shared by all runtimes of a host. */
interface RuntimeDeps extends ProcessOptions {
  /** undefined = services share Lever's user. */
  readonly users: ServiceUsers | undefined;
  readonly watchdog: MemoryWatchdog;
  /** Moves of services' data from disks to folders, by folder. */
  readonly moving: SingleFlight<void>;
  /** undefined = what leaves the process group of an instance cannot be found. */
  readonly sweeper: ProcessSweeper | undefined;
  readonly command: RuntimeCommand;
}

class RuntimeProcess implements LaunchedRuntime {
  isWarm = false;
  readonly pid: number;
  readonly socket: Duplex;
  readonly shared: SharedMemory | undefined;
  readonly exited: Promise<ProcessExit>;
  readonly #deps: RuntimeDeps;
  readonly #ram: number;
  readonly #process: LinkedProcess;
  readonly #mark: string | undefined;
  #limit: string | undefined;
  #cpuSeconds = 0;

  /** @throws LeverError `start_failed` when the system creates no process, or it cannot be recorded. */
  constructor(deps: RuntimeDeps, launch: LaunchOptions) {
    const { ram, onOutput } = launch;
    this.#mark = deps.sweeper?.nextMark();
    const [program, ...args] = deps.command.command(ram, this.#mark);
    this.#deps = deps;
    this.#ram = ram;
    try {
      this.#process = startLinked(({ variables }) => ({
        program,
        args,
        env: { ...deps.command.env, ...launch.variables, ...variables },
        cwd: "/",
      }));
      this.pid = this.#process.pid;
      this.#record();
    } catch (error) {
      void this.#sweep();
      throw error;
    }
    const { child, socket, shared } = this.#process;
    this.socket = socket;
    this.shared = shared;
    const output = readOutput(child, onOutput, deps.clock);
    const outputEnd = watchOutputEnd(child, output, deps.clock);
    this.exited = new Promise((resolve) => {
      child.once("exit", (status, signal) => {
        output.readRest();
        const exit = { status: status ?? undefined, signal: signal ?? undefined };
        const limit = this.#limit;
        void Promise.all([this.#cleanUp(), outputEnd()]).then(() =>
          resolve(limit === undefined ? exit : { ...exit, limit }),
        );
      });
    });
  }

  /** A process without a record would survive a crash of the host. */
  #record(): void {
    try {
      this.#deps.records.add(this.pid);
    } catch (cause) {
      killGroup(this.pid);
      throw new LeverError(
        "start_failed",
        `Cannot start an instance: its process cannot be recorded, because ${systemReason(cause) ?? "Lever failed"}.`,
        { cause },
      );
    }
  }

  /** Ends the processes that the service has started: those of its group, and those that have left it. */
  async #cleanUp(): Promise<void> {
    const { watchdog, records } = this.#deps;
    this.#cpuSeconds = watchdog.cpuSecondsOf(this.pid);
    watchdog.unwatch(this.pid);
    killGroup(this.pid);
    records.remove(this.pid);
    await this.#sweep();
  }

  async #sweep(): Promise<void> {
    if (this.#mark !== undefined) await this.#deps.sweeper?.sweep(this.#mark);
  }

  get #isRunning(): boolean {
    const { exitCode, signalCode } = this.#process.child;
    return exitCode === null && signalCode === null;
  }

  get memoryBytes(): number {
    return this.#isRunning ? this.#deps.watchdog.bytesOf(this.pid) : 0;
  }

  get cpuSeconds(): number {
    if (this.#isRunning) this.#cpuSeconds = this.#deps.watchdog.cpuSecondsOf(this.pid);
    return this.#cpuSeconds;
  }

  async attach(access: InstanceAccess): Promise<VisiblePaths> {
    const { environment, service, codeDir, dataDir, entry } = access;
    const { users, watchdog, moving } = this.#deps;
    // For a service that ran in containers before.
    const disk = join(serviceDisksDir(this.#deps.dataDir), environment, service);
    await moving.run(dataDir, () => moveDiskToFolder(disk, dataDir));
    const user = await users?.userFor(dataDir, codeDir);
    if (this.#isRunning) {
      watchdog.watch(this.pid, {
        bytesMax: this.#ram * 1e6,
        freeBytes: entry === undefined ? 0 : OWN_MEMORY_MB * 1e6,
        onExceeded: ({ bytes, pids }) => this.#onMemoryExceeded(bytes, pids),
      });
    }
    return { codeDir, dataDir, ...(user && { user }) };
  }

  #onMemoryExceeded(bytes: number, pids: readonly number[]): void {
    this.#limit = outOfMemory(this.#ram, bytes);
    // By pid too: a process that the service has started may have left the group.
    for (const pid of pids) kill(pid);
    killGroup(this.pid);
  }

  terminate(): void {
    this.#process.child.kill("SIGTERM");
  }

  kill(): void {
    if (this.#isRunning) killGroup(this.pid);
  }
}

function killGroup(pid: number): void {
  kill(-pid);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // No such process or group: all of it has exited.
  }
}
