import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";

/** The program that users run. It needs `cleanEnvironment`. */
export const leverBin: string = fileURLToPath(
  new URL("../../packages/cli/bin/lever.js", import.meta.url),
);
const compileCache: string = fileURLToPath(
  new URL("../../node_modules/.cache/node", import.meta.url),
);

export interface LeverRun {
  /** 128 + the signal's number when a signal ended it, as shells report it. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly stdoutBytes: Buffer;
}

export interface LeverSpawnOptions {
  readonly cwd?: string;
  /** Begins the command line, such as `ip netns exec x`. */
  readonly prefix?: readonly string[];
  /** Added to the environment of the tests, without Lever's own variables. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface LeverRunOptions extends LeverSpawnOptions {
  /** Its standard input; empty by default. */
  readonly input?: string | Buffer;
}

/** Starts one lever command as a process. */
export function spawnLever(
  args: readonly string[],
  options: LeverSpawnOptions = {},
): ChildProcessWithoutNullStreams {
  const [command = "", ...rest] = [...(options.prefix ?? []), process.execPath, leverBin, ...args];
  return spawn(command, rest, {
    env: { ...cleanEnvironment(), ...options.env },
    ...(options.cwd !== undefined && { cwd: options.cwd }),
  });
}

/** Runs one lever command as a process, and waits for its end. */
export async function runLever(
  args: readonly string[],
  options: LeverRunOptions = {},
): Promise<LeverRun> {
  const child = spawnLever(args, options);
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  // A command may end without reading its input.
  child.stdin.on("error", () => {});
  child.stdin.end(options.input ?? "");
  const [status, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  const stdoutBytes = Buffer.concat(stdout);
  return {
    status: status ?? 128 + signalNumber(signal),
    stdout: stdoutBytes.toString("utf8"),
    stderr: Buffer.concat(stderr).toString("utf8"),
    stdoutBytes,
  };
}

/**
 * The environment of the tests without the variables that change how Lever behaves. With it `lever` runs from its
 * TypeScript sources, or with LEVER_TEST_DIST=1 as it is built and shipped.
 */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const { LEVEROS_ENV, LEVEROS_IP_PORT, LEVEROS_TOKEN, FORCE_COLOR, npm_command, ...rest } =
    process.env;
  const clean = { ...rest, NO_COLOR: "1" };
  if (process.env["LEVER_TEST_DIST"] === "1") return clean;
  // Without the cache of compiled files each start takes 0.4 s longer.
  return { ...clean, NODE_OPTIONS: "--conditions=lever-source", NODE_COMPILE_CACHE: compileCache };
}

function signalNumber(signal: NodeJS.Signals | null): number {
  return signal === null ? 0 : constants.signals[signal];
}
