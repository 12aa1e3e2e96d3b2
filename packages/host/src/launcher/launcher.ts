import type { Duplex } from "node:stream";
import type { NetworkPolicy } from "@leveros/protocol";

/** How a process ended. */
export interface ProcessExit {
  /** undefined when a signal ended it. */
  readonly status: number | undefined;
  readonly signal: string | undefined;
  /** The limit that ended it, as the predicate of a sentence. */
  readonly limit?: string;
}

/** What an instance gets to see and use. */
export interface InstanceRoom {
  readonly environment: string;
  readonly service: string;
  readonly codeDir: string;
  readonly dataDir: string;
  /** Megabytes that it is allotted. */
  readonly ram: number;
  /** Processors that it may use at the most; undefined = all that nobody else needs. */
  readonly maxCpu: number | undefined;
}

/** A started runtime: a process, or a container around one. */
export interface LaunchedRuntime {
  readonly pid: number;
  /** It was started before it was needed. */
  isWarm: boolean;
  /** Connected to nothing but this runtime: who is at the other end is known by construction. */
  readonly socket: Duplex;
  /** Resolves once, when the process has ended. */
  readonly exited: Promise<ProcessExit>;
  /** Bytes of memory in use, where the launcher knows better than the processes' own figures. */
  readonly memoryBytes?: number;
  /**
   * Gives the runtime what its instance may see and use, before its assignment; resolves to the folders as it sees them.
   * Where a launcher has none, it sees them as they are.
   */
  enter?(room: InstanceRoom): Promise<{ codeDir: string; dataDir: string }>;
  /** Asks the process to stop (TERM). */
  terminate(): void;
  /** Ends the process and everything it started (KILL). May be called at any time, and twice. */
  kill(): void;
}

export interface LaunchOptions {
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
