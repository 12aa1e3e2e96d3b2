import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { httpCall } from "../tests/harness/http-call.ts";

/** Something that serves the same work as Lever: `sayHello(name)` and `lengthOf(text)`, arguments as a JSON array. */
export interface Peer {
  readonly name: string;
  /** @throws Error when it cannot run here. */
  start(): Promise<RunningPeer>;
}

export interface RunningPeer extends AsyncDisposable {
  readonly port: number;
  /** Its processes: what each is for, and its id. */
  readonly processes: ReadonlyMap<string, number>;
  /** Before the name of the method. */
  readonly path: string;
  /** The value of the Host header. */
  readonly host: string;
  /** Ends all of its processes and waits. */
  stop(): Promise<void>;
}

/** The folder into which the peers are installed. */
export const peersFolder: string = join(import.meta.dirname, "peers");

/** Where a program of a peer is. */
export const programPath = (name: string): string => join(peersFolder, "programs", name);

/** The path of a file that is installed for a peer. */
export const installedPath = (path: string): string => join(peersFolder, "node_modules", path);

/** A port of 127.0.0.1 that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("Cannot find a port.");
  return address.port;
}

export interface Program {
  readonly pid: number;
  /** Everything that it has printed. */
  output(): string;
  /** Rejects when it has ended, with what it printed. */
  readonly ended: Promise<never>;
  stop(): Promise<void>;
}

const STOP_MS = 5_000;

/** Starts a program of a peer; it is ended with this process at the latest. */
export function startProgram(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd?: string,
): Program {
  const child = spawn(command, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NODE_ENV: "production", ...env },
    ...(cwd !== undefined && { cwd }),
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      printed = (printed + text).slice(-10_000);
    });
  }
  const exited = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (status, signal) => resolve(`status ${status ?? signal}`));
  });
  const end = (): void => {
    child.kill("SIGKILL");
  };
  process.once("exit", end);
  const ended = exited.then((how): never => {
    throw new Error(`Cannot go on: ${command} ended with ${how}. ${printed}`);
  });
  ended.catch(() => {});
  return {
    pid: child.pid ?? 0,
    output: () => printed,
    ended,
    async stop() {
      child.kill("SIGTERM");
      const timer = setTimeout(end, STOP_MS);
      await exited;
      clearTimeout(timer);
      process.off("exit", end);
    },
  };
}

/** Starts a Node program of a peer, which listens on loopback whatever it asks for. */
export function startNode(
  script: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
  cwd?: string,
): Program {
  const nodeArgs = ["--import", programPath("loopback.js"), script, ...args];
  return startProgram(process.execPath, nodeArgs, env, cwd);
}

/** Waits until a program has printed a port after these words, and returns it. */
export async function untilPort(program: Program, words: string): Promise<number> {
  const untilTold = async (): Promise<number> => {
    while (true) {
      const output = program.output();
      const from = output.indexOf(words);
      const [port] = from < 0 ? [] : (/^\d+(?=\D)/.exec(output.slice(from + words.length)) ?? []);
      if (port !== undefined) return Number(port);
      await delay(1);
    }
  };
  return await Promise.race([untilTold(), program.ended]);
}

const START_MS = 30_000;
const ASK_EVERY_MS = 5;

/** Asks `sayHello` until it is answered as it should be, and returns the running peer. */
export async function untilServing(
  where: { port: number; path?: string; host?: string },
  programs: Readonly<Record<string, Program>>,
): Promise<RunningPeer> {
  const { port, path = "/", host = `127.0.0.1:${port}` } = where;
  const stop = async (): Promise<void> => {
    await Promise.all(Object.values(programs).map((program) => program.stop()));
  };
  const processes = new Map(Object.entries(programs).map(([role, { pid }]) => [role, pid]));
  const peer = { port, processes, path, host, stop, [Symbol.asyncDispose]: stop };
  try {
    await Promise.race([untilGreeting(peer), ...Object.values(programs).map(({ ended }) => ended)]);
    return peer;
  } catch (error) {
    await stop();
    throw error;
  }
}

async function untilGreeting(peer: RunningPeer): Promise<void> {
  const until = performance.now() + START_MS;
  let last = "";
  while (performance.now() < until) {
    last = await greet(peer);
    if (last === "Hello, world!") return;
    await delay(ASK_EVERY_MS);
  }
  throw new Error(`Cannot start: after ${START_MS} ms it answers ${last}`);
}

/** One call of `sayHello("world")`: the greeting, or what else came. */
export async function greet({ port, path, host }: RunningPeer): Promise<string> {
  try {
    const { text, json } = await httpCall(`127.0.0.1:${port}`, `${path}sayHello`, {
      headers: { "content-type": "application/json", host },
      body: '["world"]',
    });
    try {
      return String(json());
    } catch {
      return text;
    }
  } catch (error) {
    return String(error);
  }
}
