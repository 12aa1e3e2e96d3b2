import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { cleanEnvironment } from "../harness/run-lever.ts";

/** A command of a README, and the output that the README shows. */
export interface ReadmeCommand {
  readonly command: string;
  /** undefined where the README does not say. `…` stands for anything. */
  readonly output: string | undefined;
}

/** The mark of the README's commands. */
export const RUN_BY_TEST = "run by tests/system/readme.test.ts";

/** The code block that follows a marker comment in a Markdown file. */
export function blockAfter(markdown: string, marker: string): string {
  const block = new RegExp(`<!-- ${marker} -->\n\`\`\`\\w+\n([\\s\\S]*?)\`\`\``).exec(
    markdown,
  )?.[1];
  if (block === undefined) throw new Error(`There is no block after "${marker}".`);
  return block;
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

/** Runs programs as npx does, half a second faster. readme.test.ts uses the real one. */
const NPX = 'PATH="$PWD/node_modules/.bin:$PATH"; npx() { "$@"; }';
/** npm takes packages that it has from its cache, and asks no other service about them. */
const NPM = {
  npm_config_audit: "false",
  npm_config_fund: "false",
  npm_config_prefer_offline: "true",
} as const;

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
  const env = { ...cleanEnvironment(), ...NPM, LEVEROS_IP_PORT: address };
  const { stdout } = await run("bash", ["-c", `${NPX}\n${text}`], { cwd, env });
  return stdout.replace(/\n$/, "");
}

/** An output with `…` as a pattern. */
export function outputPattern(output: string): RegExp {
  return new RegExp(`^${output.split("…").map(RegExp.escape).join(".*")}$`, "s");
}
