import type { Duplex } from "node:stream";
import type { NetworkPolicy, SharedMemory } from "@leveros/protocol";
import type { OutputStream } from "../processes/output-log.ts";
import type { ProcessExit } from "../processes/process-exit.ts";

/** `limit` of an instance that used more than its `ram` megabytes. `bytes`: what it used. */
export function outOfMemory(ram: number, bytes: number): string {
  const used = (bytes / 1e6).toFixed(1);
  return `was killed because it needed more memory than the ${ram} MB that "ram" allots it (it had ${used} MB)`;
}

/**
 * Memory of Lever's own process beside the program of a service, in megabytes. It is added to the `ram` of such
 * an instance. The process translates messages and keeps few of them, so it needs no more.
 */
export const OWN_MEMORY_MB = 30;

/** Megabytes for an instance: its `ram`, and for a program also Lever's own process beside it. */
export function instanceMemoryMb({ ram, entry, http }: MemoryNeed): number {
  return entry === undefined && http === undefined ? ram : ram + OWN_MEMORY_MB;
}

export interface MemoryNeed {
  /** Megabytes. */
  readonly ram: number;
  /** The command of a program; undefined = the service runs in Lever's own process. */
  readonly entry?: readonly string[] | undefined;
  /** Set for a program that answers HTTP. */
  readonly http?: unknown;
}

/** The names of an instance, for the log. */
export interface InstanceNames {
  readonly environment: string;
  readonly service: string;
  readonly version: number;
  readonly instance: string;
}

/** The folders of one version of a service. */
export interface ServiceFolders {
  readonly environment: string;
  readonly service: string;
  readonly codeDir: string;
  readonly dataDir: string;
}

/** The folders that an instance may see, and its limit of processors. */
export interface InstanceAccess extends ServiceFolders {
  /** Absent = what runs is no instance: it transforms the code of the service. */
  readonly names?: InstanceNames;
  /** Processors that it may use at most; undefined = no ceiling. */
  readonly maxCpu: number | undefined;
  /** The command of a program that runs beside the runtime; undefined = the runtime runs the service itself. */
  readonly entry?: readonly string[] | undefined;
}

/** These folders, as the instance sees them. */
export interface VisiblePaths {
  readonly codeDir: string;
  readonly dataDir: string;
  /** The user that the runtime switches to before it loads the service; undefined = it keeps its user. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** No other process of the machine has its ports. Default: false */
  readonly hasOwnPorts?: boolean;
}

/** A started runtime: a process, or a container around one. It becomes one instance, by `attach` and its assignment. */
export interface LaunchedRuntime {
  readonly pid: number;
  /** True when it was started before an instance needed it. */
  isWarm: boolean;
  /**
   * The host's end of the link. No other process has the other end, so a message on it comes from this runtime. Its first
   * bytes mean that the runtime has started. It closes when the runtime exits.
   */
  readonly socket: Duplex;
  /** Memory that only the host and this runtime share. Absent = none. */
  readonly shared?: SharedMemory | undefined;
  /**
   * Resolves once and never rejects: the process has exited, all that it started has been killed, and `onOutput` has
   * received its last output (or 200 ms have passed).
   */
  readonly exited: Promise<ProcessExit>;
  /** Resolves when `attach` has nothing left to wait for; rejects when the runtime exits first. Absent = it never waits. */
  readonly prepared?: Promise<unknown>;
  /** Bytes in use now, including all processes that it started, without Lever's own beside a program. 0 after its exit. */
  readonly memoryBytes: number;
  /** Processor time so far, of all processes that it started too. Absent = not known. */
  readonly cpuSeconds?: number;
  /**
   * Gives the runtime access to its service. Call it once, before sending the assignment. Absent = the
   * runtime sees the host's folders.
   *
   * Rejects with an Error that describes what failed. The runtime keeps running then, and the caller must kill it. When
   * the runtime exits meanwhile, the promise settles either way, and `exited` reports the exit.
   */
  attach?(access: InstanceAccess): Promise<VisiblePaths>;
  /** Sends TERM. Nothing happens after its exit. A runtime that ignores TERM stays until `kill`. */
  terminate(): void;
  /** Sends KILL to the process and all that it started. May be called at any time and more than once. */
  kill(): void;
}

/** `ram` of a service that does not set it, in megabytes. */
export const DEFAULT_RAM_MB = 128;

export interface LaunchOptions {
  /** Megabytes of memory for its instance. */
  readonly ram: number;
  /** For its environment from the start; undefined = none, so it may be a runtime that was started ahead. */
  readonly variables?: Readonly<Record<string, string>> | undefined;
  /** Receives what the runtime writes to its standard output and error. */
  onOutput(chunk: Buffer, stream: OutputStream): void;
}

/** Services are being developed on this machine, by the user of the host: they run as that user. */
export interface Development {
  /** Folders that instances may read: the packages of the services are in them. */
  readonly readable: readonly string[];
}

/** Starts runtimes that belong to no service yet. */
export interface Launcher {
  /**
   * Returns before the runtime has started. A runtime that fails to start reports that by `exited` only.
   * @throws LeverError `start_failed` when the system refuses to create the process. Nothing is left of it then.
   */
  launch(options: LaunchOptions): LaunchedRuntime;
  /**
   * Gets ready what instances of this version need besides a process, so that its next cold call does not wait for that.
   * Rejects with an Error when the system refuses it; the next `attach` tries again. Absent = there is nothing to get ready.
   */
  readonly prepare?: ((folders: ServiceFolders) => Promise<void>) | undefined;
  /**
   * Ends what `prepare` did for the services of an environment, or for one of them: they are removed. Resolves when nothing uses
   * their data.
   */
  readonly forget?: ((environment: string, service?: string) => Promise<void>) | undefined;
  /** Absent = this launcher cannot restrict the network. */
  readonly network?: NetworkControl | undefined;
}

/** Control over the destinations that instances may reach by their own network. */
export interface NetworkControl {
  /**
   * Sets what the environment's instances may reach. Resolves when that holds for running instances and their open
   * connections too. Rejects with an Error when the system refuses it: running instances may then keep the earlier policy.
   */
  setPolicy(environment: string, policy: NetworkPolicy): Promise<void>;
  /** Completes an error sentence: why instances would not reach all that this policy lists. undefined = they would. */
  refuse(policy: NetworkPolicy): Promise<string | undefined>;
  /** Keeps instances from this port of loopback addresses: the host listens there for its callers. */
  protectPort(port: number): Promise<void>;
}
