/**
 * Makes the picture of a terminal for the README: runs the README's commands on a host, and draws what they print, as they
 * print it (npm run terminal-recording).
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startLever } from "../tests/harness/lever.ts";
import { cleanEnvironment } from "../tests/harness/run-lever.ts";
import { blockAfter, RUN_BY_TEST } from "../tests/system/readme-commands.ts";
import { drawTerminal, type TypedCommand } from "./terminal-picture.ts";

const root = join(import.meta.dirname, "..");
/** Where the README's host listens. */
const SHOWN = "127.0.0.1:8080";
/** Of a command on a busy machine. */
const SECONDS_MAX = 1;

await using lever = await startLever();
const shown = (text: string): string => text.replaceAll(lever.address, SHOWN).trimEnd();

/** Types a command into bash. Its time is that of its first output. */
async function type(command: string): Promise<TypedCommand> {
  const child = spawn("bash", ["-ec", command.replaceAll("localhost:8080", lever.address)], {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...cleanEnvironment(), LEVEROS_IP_PORT: lever.address },
  });
  const startedAt = performance.now();
  let answeredAt: number | undefined;
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    answeredAt ??= performance.now();
    output += chunk.toString();
  });
  const [status] = (await once(child, "close")) as [number | null];
  if (status !== 0) throw new Error(`Cannot record ${command}: it ended with ${status}.`);
  const seconds = Math.min(((answeredAt ?? performance.now()) - startedAt) / 1_000, SECONDS_MAX);
  return { command, output: shown(output), seconds };
}

const [upIsReady = ""] = shown(lever.printed()).split("\n");
const commands: TypedCommand[] = [{ command: "npx lever up", output: upIsReady, seconds: 1 }];
const readme = readFileSync(join(root, "README.md"), "utf8");
for (const command of blockAfter(readme, RUN_BY_TEST).trim().split("\n")) {
  commands.push(await type(command));
}
writeFileSync(join(root, "docs/guide/terminal.svg"), drawTerminal(commands));
