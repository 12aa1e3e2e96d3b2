import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { eventually } from "../harness/eventually.ts";
import { runLever } from "../harness/run-lever.ts";
import type { Engine, Programs } from "./engines.ts";
import type { PackedPackage } from "./packed-packages.ts";
import { type Ended, installEnvironment, mustRun, runProgram } from "./run-program.ts";

export const QUIET: readonly string[] = [
  "--no-audit",
  "--no-fund",
  "--prefer-offline",
  "--loglevel=error",
];

export interface InstallOptions {
  readonly programs: Programs;
  readonly packages: readonly PackedPackage[];
  /** A folder of the row's own. */
  readonly dir: string;
}

/** A lever command that is installed, for a version of Node. */
export interface InstalledLever {
  run(args: readonly string[]): Promise<Ended>;
  /** Starts `lever up`, and waits until it is up. */
  up(): Promise<RunningHost>;
}

interface RunningHost extends AsyncDisposable {
  readonly address: string;
  /** Sends TERM to the process that was started. True = the host itself has ended, too. */
  stop(): Promise<boolean>;
}

/** `npm install --global` of the packages. */
export async function installGlobally(
  engine: Engine,
  { programs, packages, dir }: InstallOptions,
): Promise<InstalledLever> {
  const { words, path } = await programs.npm(engine);
  const prefix = join(dir, "global");
  await mkdir(prefix, { recursive: true });
  const tarballs = packages.map(({ tarball }) => tarball);
  const env = { PATH: path };
  await mustRun([...words, "install", "--global", "--prefix", prefix, ...QUIET, ...tarballs], {
    cwd: dir,
    env,
  });
  return leverOf([join(prefix, "bin/lever")], { dir, env });
}

/** `npx` with the packages, and with others. */
export async function npxLever(
  engine: Engine,
  { programs, packages, dir }: InstallOptions,
  others: readonly string[] = [],
): Promise<InstalledLever> {
  const { words, path } = await programs.npm(engine);
  const named = packages.map(({ tarball }) => `--package=${tarball}`);
  const npx = [...words, "exec", "--yes", "--prefer-offline", ...others, ...named, "--", "lever"];
  return leverOf(npx, { dir, env: { PATH: path } });
}

export function leverOf(
  words: readonly string[],
  { dir, env }: { readonly dir: string; readonly env: Readonly<Record<string, string>> },
): InstalledLever {
  return {
    run: (args) => runProgram([...words, ...args], { cwd: dir, env }),
    up: () =>
      startHost([...words, "up", "--port", "0", "--data", join(dir, "data")], { cwd: dir, env }),
  };
}

/** Starts a host by a command line. */
async function startHost(
  [program = "", ...args]: readonly string[],
  { cwd, env }: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<RunningHost> {
  const child = spawn(program, args, {
    cwd,
    env: { ...installEnvironment(), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const address = await printed(child, /^Lever is up at http:\/\/(\S+)$/m);
  // Not the process that was started, when npx or a shell stands between.
  const { stdout } = await runLever(["status", "--json"], { env: { LEVEROS_IP_PORT: address } });
  const { pid } = JSON.parse(stdout) as { pid: number };
  const closed = once(child, "close");
  const stop = async (): Promise<boolean> => {
    child.kill("SIGTERM");
    await closed;
    return await isGone(pid);
  };
  return {
    address,
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop();
    },
  };
}

/** True when the process ends within 20 s. */
async function isGone(pid: number): Promise<boolean> {
  const isEnded = (): boolean => {
    try {
      process.kill(pid, 0);
      return false;
    } catch {
      return true;
    }
  };
  return await eventually(isEnded, { timeoutMs: 20_000 }).then(
    () => true,
    () => false,
  );
}

/** Waits for what a program prints. */
async function printed(child: ChildProcess, wanted: RegExp): Promise<string> {
  let output = "";
  return await new Promise((resolve, reject) => {
    const onOutput = (chunk: Buffer): void => {
      output += chunk.toString();
      const found = wanted.exec(output)?.[1];
      if (found !== undefined) resolve(found);
    };
    child.stdout?.on("data", onOutput);
    child.stderr?.on("data", onOutput);
    child.once("error", reject);
    child.once("exit", (status) => reject(new Error(`It has ended with ${status}:\n${output}`)));
  });
}
