import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";

/** The program that users run. */
export const leverBin: string = fileURLToPath(
  new URL("../../packages/cli/bin/lever.js", import.meta.url),
);

export interface LeverRun {
  /** 128 + the signal's number when a signal ended it, as shells report it. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly stdoutBytes: Buffer;
}

export interface LeverRunOptions {
  /** Its standard input; empty by default. */
  readonly input?: string | Buffer;
  readonly cwd?: string;
  /** Begins the command line: what runs the command elsewhere. */
  readonly prefix?: readonly string[];
  /** Beside the environment of the tests, from which Lever's own variables are taken out. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs one lever command as a process of its own, and waits for its end. */
export async function runLever(
  args: readonly string[],
  options: LeverRunOptions = {},
): Promise<LeverRun> {
  const [command, ...rest] = [...(options.prefix ?? []), process.execPath, leverBin, ...args];
  const child = spawn(command ?? "", rest, {
    stdio: "pipe",
    env: { ...cleanEnvironment(), ...options.env },
    ...(options.cwd !== undefined && { cwd: options.cwd }),
  });
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

/** The environment of the tests without what would change how Lever behaves. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const { LEVEROS_ENV, LEVEROS_IP_PORT, LEVEROS_TOKEN, FORCE_COLOR, ...rest } = process.env;
  return { ...rest, NO_COLOR: "1" };
}

function signalNumber(signal: NodeJS.Signals | null): number {
  return signal === null ? 0 : constants.signals[signal];
}
