import type { Duplex } from "node:stream";
import type { NetworkPolicy, SharedMemory } from "@leveros/protocol";
import type { ProcessExit } from "../processes/process-exit.ts";

/** Why an instance was ended, as the predicate of a sentence. `ram` in megabytes. */
export function outOfMemory(ram: number, bytes: number): string {
  const most = (bytes / 1e6).toFixed(1);
  return `was ended since it needed more memory than the ${ram} MB that "ram" allots it (it had ${most} MB)`;
}

/** What an instance gets to see and use. */
export interface InstanceAccess {
  readonly environment: string;
  readonly service: string;
  readonly codeDir: string;
  readonly dataDir: string;
  /** Processors that it may use at the most; undefined = all that nobody else needs. */
  readonly maxCpu: number | undefined;
}

/** The same as the instance sees it. */
export interface VisiblePaths {
  readonly codeDir: string;
  readonly dataDir: string;
  /** Whom the runtime becomes before it touches anything of the service; undefined = it stays who it is. */
  readonly user?: { readonly uid: number; readonly gid: number };
}

/** A started runtime: a process, or a container around one. */
export interface LaunchedRuntime {
  readonly pid: number;
  /** It was started before it was needed. */
  isWarm: boolean;
  /** Connected to nothing but this runtime: who is at the other end is known by construction. */
  readonly socket: Duplex;
  /** With that runtime only. Absent = none. */
  readonly shared?: SharedMemory | undefined;
  /** Resolves once, when the process has ended. */
  readonly exited: Promise<ProcessExit>;
  /** Resolves when nothing is left to be done before it is entered; rejects when it ends first. Absent = nothing is. */
  readonly prepared?: Promise<unknown>;
  /** Bytes of memory in use, by it and all that it has started. */
  readonly memoryBytes: number;
  /**
   * Gives the runtime what its instance may see and use, before its assignment; resolves to the folders as it sees them.
   * Where a launcher has none, it sees them as they are.
   */
  attach?(room: InstanceAccess): Promise<VisiblePaths>;
  /** Asks the process to stop (TERM). */
  terminate(): void;
  /** Ends the process and everything it started (KILL). May be called at any time, and twice. */
  kill(): void;
}

/** `ram` of a service that names none, in megabytes. */
export const DEFAULT_RAM_MB = 128;

export interface LaunchOptions {
  /** Megabytes that its instance is allotted. */
  readonly ram: number;
  /** Gets what the runtime writes to its standard output and error. */
  onOutput(chunk: Buffer): void;
}

/** Starts generic runtimes, which become an instance by their assignment. */
export interface Launcher {
  /** @throws LeverError `start_failed` when the process cannot be made. */
  launch(options: LaunchOptions): LaunchedRuntime;
  /**
   * From now on the environment's instances reach by their own network what the policy says, also those that run. A
   * launcher without it cannot hold them to anything.
   */
  readonly setNetwork?: ((environment: string, policy: NetworkPolicy) => Promise<void>) | undefined;
}
