import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { cleanEnvironment } from "../harness/run-lever.ts";

/** A command of a README, and the output that the README shows. */
export interface ReadmeCommand {
  readonly command: string;
  /** undefined where the README does not say. `…` stands for anything. */
  readonly output: string | undefined;
}

/** The commands in a README's `sh` blocks; lines that begin with `# ` are the output of the command before. */
export function readCommands(readme: string): ReadmeCommand[] {
  const commands: { command: string; output: string | undefined }[] = [];
  for (const [, block = ""] of readme.matchAll(/^```sh\n(.*?)^```$/gms)) {
    const lines = block
      .replaceAll(/\\\n\s*/g, "")
      .trimEnd()
      .split("\n");
    for (const line of lines) {
      const last = commands.at(-1);
      if (!line.startsWith("# ")) commands.push({ command: line, output: undefined });
      else if (last !== undefined) {
        const printed = line.slice(2);
        last.output = last.output === undefined ? printed : `${last.output}\n${printed}`;
      }
    }
  }
  return commands;
}

const run = promisify(execFile);

/**
 * Types a command into a shell, for a Lever that listens elsewhere than on the port in the README. Returns what it
 * printed, without the last line's end.
 * @throws Error when the command fails.
 */
export async function typeCommand(
  command: string,
  options: { cwd: string; address: string },
): Promise<string> {
  const { cwd, address } = options;
  const text = command.replaceAll("127.0.0.1:8080", address);
  const env = { ...cleanEnvironment(), LEVEROS_IP_PORT: address };
  const { stdout } = await run("bash", ["-c", text], { cwd, env });
  return stdout.replace(/\n$/, "");
}

/** An output with `…` as a pattern. */
export function outputPattern(output: string): RegExp {
  return new RegExp(`^${output.split("…").map(RegExp.escape).join(".*")}$`, "s");
}
