import type { Duplex } from "node:stream";

/** How a process ended. */
export interface ProcessExit {
  /** undefined when a signal ended it. */
  readonly status: number | undefined;
  readonly signal: string | undefined;
}

/** A started runtime: a process, or a container around one. */
export interface LaunchedRuntime {
  readonly pid: number;
  /** It was started before it was needed. */
  readonly isWarm: boolean;
  /** Connected to nothing but this runtime: who is at the other end is known by construction. */
  readonly socket: Duplex;
  /** Resolves once, when the process has ended. */
  readonly exited: Promise<ProcessExit>;
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
}
