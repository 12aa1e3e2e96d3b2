import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { cleanEnvironment, leverBin } from "../../../../../tests/harness/run-lever.ts";

/** Runs lever up on a terminal, presses Ctrl-C as soon as it is up, and returns its exit status and output. */
async function upOnTerminal(
  variables: Readonly<Record<string, string>>,
): Promise<{ status: number; output: string }> {
  const data = await mkdtemp(join(tmpdir(), "lever-terminal-"));
  // Node shows no color where CI is set.
  const { NO_COLOR, CI, ...env } = cleanEnvironment();
  // Without exec, a shell that stays the parent is ended by the same Ctrl-C, and its status would be seen.
  const command = `exec ${process.execPath} ${leverBin} up --port 0 --isolation process --data ${data}`;
  const script = spawn("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...env, TERM: "xterm-256color", ...variables },
  });
  let output = "";
  let isStopped = false;
  script.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
    if (isStopped || !output.includes("In another terminal:")) return;
    isStopped = true;
    script.stdin.write("\u0003");
  });
  const [status] = (await once(script, "close")) as [number];
  await rm(data, { recursive: true });
  return { status, output };
}

const isLinux = process.platform === "linux";

it.runIf(isLinux)(
  "on a terminal, lever up logs in color and suggests the next commands",
  async () => {
    const { status, output } = await upOnTerminal({});
    expect(output).toContain("\u001b[32minfo ");
    expect(output).toMatch(/host {5}host started/);
    expect(output).toContain("  lever deploy <dir>    deploy the service in a folder");
    expect(output).toContain("Stopping after the calls in flight.");
    expect(status).toBe(0);
  },
);

it.runIf(isLinux)("with NO_COLOR, lever up logs without color on a terminal", async () => {
  const { output } = await upOnTerminal({ NO_COLOR: "1" });
  expect(output).toContain("info  host     host started");
  expect(output).not.toContain("\u001b");
});
