import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdtempSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { type EventFields, type EventOptions, type LogEvent, LogEvents } from "./log-events.ts";
import {
  cleanEnvironment,
  type LeverRun,
  type LeverRunOptions,
  leverBin,
  runLever,
} from "./run-lever.ts";

export interface StartOptions {
  /** Default: a temporary folder, removed by `stop` and at the end of the tests. */
  readonly dataDir?: string;
  /** Default: `process`, which starts without what the machine may lack. */
  readonly isolation?: "oci" | "process" | "auto";
  /** Default: the user of the tests. Another one needs root. */
  readonly uid?: number;
  /** Processes that take connections. Default: as many as LEVER_TEST_WORKERS says, or 1, whatever the machine. */
  readonly workers?: number;
  /** Begins the command line: a command that replaces itself with the one that follows. */
  readonly wrapper?: readonly string[];
  /** Further arguments of `lever up`. */
  readonly args?: readonly string[];
  /** Added to the environment of the tests. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: true, its own log has what services print. */
  readonly logsOutput?: boolean;
}

/** A `lever up` of its own, on a port of its own. */
export interface RunningLever extends AsyncDisposable {
  /** `127.0.0.1:port` */
  readonly address: string;
  /** The address with `http://` or `https://`. */
  readonly origin: string;
  readonly dataDir: string;
  readonly pid: number;
  /** Runs a lever command against this host, as a user does. */
  lever(args: readonly string[], options?: LeverRunOptions): Promise<LeverRun>;
  /** Ends it as a power cut would (KILL), and waits. The data folder stays, for another host. */
  kill(): Promise<void>;
  /** Asks it to stop (TERM), waits, and returns its exit status. May be called twice. */
  stop(): Promise<number>;
  /**
   * Waits for an event of its log with these values of its fields. An event that came before counts too, unless
   * `after` says otherwise. @throws Error when the host ends without it, or after 50 s.
   */
  event(name: string, fields?: EventFields, options?: EventOptions): Promise<LogEvent>;
  /** The events of its log so far. */
  events(): readonly LogEvent[];
  /** Everything that it has written to standard error so far: its log, and what Node itself prints. */
  output(): string;
  /** Everything that it has written to standard output so far. */
  printed(): string;
}

/** Every `lever up` that this process has started and not stopped. */
const started = new Set<{ stop: () => Promise<number>; abandon: () => void }>();
process.once("exit", () => {
  for (const { abandon } of started) abandon();
});

/** Stops what has not been stopped, so that nothing is left of it: no process, folder or network of containers. */
export async function stopAllLevers(): Promise<void> {
  // The last one first: it may use the data folder of one that was killed.
  for (const { stop } of [...started].reverse()) await stop();
}

const READY = /^Lever is up at (https?:\/\/.+)$/m;

/** Starts `lever up` and waits until it is ready. @throws Error with its output when it ends before that. */
export async function startLever(options: StartOptions = {}): Promise<RunningLever> {
  const isolation = options.isolation ?? "process";
  const workers = options.workers ?? Number(process.env["LEVER_TEST_WORKERS"] ?? 1);
  const isOwnDir = options.dataDir === undefined;
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), "lever-test-"));
  if (options.uid !== undefined) chownSync(dataDir, options.uid, options.uid);
  const [program = process.execPath, ...args] = [
    ...(options.wrapper ?? []),
    process.execPath,
    leverBin,
    "up",
    ...["--port", "0"],
    ...["--data", dataDir],
    ...["--isolation", isolation],
    ...["--workers", String(workers)],
    // Tests wait for what services print.
    ...(options.logsOutput === false ? [] : ["--log-output"]),
    ...(options.args ?? []),
  ];
  const child = spawn(program, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...cleanEnvironment(), ...options.env },
    ...(options.uid !== undefined && { uid: options.uid, gid: options.uid }),
  });
  const exited = whenExited(child);
  const removeDataDir = (): void => {
    if (isOwnDir) rmSync(dataDir, { recursive: true, force: true });
  };
  const entry = {
    stop: async (): Promise<number> => {
      child.kill("SIGTERM");
      const status = await exited;
      started.delete(entry);
      removeDataDir();
      return status;
    },
    abandon: (): void => {
      child.kill("SIGKILL");
      started.delete(entry);
      removeDataDir();
    },
  };
  started.add(entry);

  const log = new LogEvents();
  let printed = "";
  child.stdout.on("data", (chunk: Buffer) => {
    printed += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => log.push(chunk.toString()));
  void exited.then(() => log.end());
  const origin = await untilReady(child, exited).catch((error: unknown) => {
    entry.abandon();
    throw new Error(`${String(error)} Its output:\n${log.text}`);
  });
  const address = origin.replace(/^https?:\/\//, "");
  const { pid } = child;
  if (pid === undefined) throw new Error("Cannot start lever up: the system makes no process.");

  return {
    address,
    origin,
    dataDir,
    pid,
    lever: (args, runOptions = {}) =>
      runLever(args, { ...runOptions, env: { LEVEROS_IP_PORT: origin, ...runOptions.env } }),
    kill: async () => {
      child.kill("SIGKILL");
      await exited;
    },
    stop: entry.stop,
    event: (name, fields, eventOptions) => log.event(name, fields, eventOptions),
    events: () => log.all(),
    output: () => log.text,
    printed: () => printed,
    [Symbol.asyncDispose]: async () => {
      await entry.stop();
    },
  };
}

async function untilReady(child: ChildProcess, exited: Promise<number>): Promise<string> {
  let printed = "";
  const ready = new Promise<string>((resolve) => {
    child.stdout?.on("data", (chunk: Buffer) => {
      printed += chunk.toString();
      const [, origin] = READY.exec(printed) ?? [];
      if (origin !== undefined) resolve(origin);
    });
  });
  const early = exited.then((status) => {
    throw new Error(`lever up ended with status ${status} before it was ready.`);
  });
  return await Promise.race([ready, early]);
}

/** 128 + the signal's number when a signal ended it, as shells report it. After all its output is here. */
async function whenExited(child: ChildProcess): Promise<number> {
  const [status, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  return status ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}
