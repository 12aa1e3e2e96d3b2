import { spawn } from "node:child_process";
import { once } from "node:events";

export interface Ended {
  readonly status: number | null;
  readonly output: string;
}

export interface RunOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Longest time of one program: an installation fetches packages. */
const TIMEOUT_MS = 300_000;

/** Runs a program to its end. */
export async function runProgram(
  [program = "", ...args]: readonly string[],
  { cwd, env = {} }: RunOptions,
): Promise<Ended> {
  const child = spawn(program, args, {
    cwd,
    env: { ...installEnvironment(), ...env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: TIMEOUT_MS,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const [status] = (await once(child, "close")) as [number | null];
  return { status, output };
}

/** Runs a program that must succeed, and returns what it has printed. @throws Error with that, when it fails. */
export async function mustRun(words: readonly string[], options: RunOptions): Promise<string> {
  const { status, output } = await runProgram(words, options);
  if (status !== 0) {
    throw new Error(`${words.slice(0, 4).join(" ")} … ended with ${status}:\n${output}`);
  }
  return output;
}

/** The environment of a user: without the variables of npm and of the tests, which would change what is installed. */
export function installEnvironment(): NodeJS.ProcessEnv {
  const { NODE_ENV, NODE_OPTIONS, NODE_PATH, FORCE_COLOR, VITEST, ...rest } = process.env;
  const own = Object.entries(rest).filter(
    ([name]) =>
      !/^(npm_(config_(?!registry|cache|cafile)|package|lifecycle|command|execpath)|LEVEROS_|LEVER_)/.test(
        name,
      ),
  );
  return { ...Object.fromEntries(own), NO_COLOR: "1" };
}
