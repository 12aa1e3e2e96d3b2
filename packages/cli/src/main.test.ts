import { once } from "node:events";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { answerJson, startFakeHost } from "../../../tests/harness/fake-host.ts";
import { runLever, spawnLever } from "../../../tests/harness/run-lever.ts";

const { version } = JSON.parse(
  readFileSync(new URL("../package.json", import.meta.url), "utf8"),
) as { version: string };

describe.concurrent("help", () => {
  it("shows how to start", async () => {
    const run = await runLever(["--help"]);
    expect(run).toMatchObject({ status: 0, stderr: "" });
    for (const command of ["lever up", "lever deploy", "lever invoke", "lever ls"]) {
      expect(run.stdout).toContain(`  ${command} `);
    }
  });

  it.each(["up", "deploy", "invoke", "ls"])(
    "of %s shows examples, and the options that every command has",
    async (name) => {
      const run = await runLever(["help", name]);
      expect(run).toMatchObject({ status: 0, stderr: "" });
      expect(run.stdout).toContain(`Examples:\n  lever ${name}`);
      expect(run.stdout).toContain("LEVEROS_IP_PORT");
      expect((await runLever([name, "--help"])).stdout).toBe(run.stdout);
    },
  );

  it("of lever up lists every limit", async () => {
    expect((await runLever(["up", "--help"])).stdout).toContain("  callTimeoutMs=60000\n");
  });
});

it("the version is that of the package", async () => {
  expect(await runLever(["--version"])).toMatchObject({ status: 0, stdout: `${version}\n` });
});

describe.concurrent("a command line that is not valid has status 2, and nothing on standard output:", () => {
  it.each([
    [[], "Usage: lever"],
    [["depoly"], "Did you mean deploy?"],
    [["ls", "--jsn"], "Did you mean --json?"],
    [["ls", "a", "b"], "too many arguments"],
    [["up", "--port", "99999"], "allowed is 0 to 65535."],
    [["up", "--port", "1e3"], "allowed is 0 to 65535."],
    [["up", "--limit", "speed=1"], 'Cannot set the limit "speed": there is no such limit.'],
    [["up", "--limit", "callTimeoutMs"], "it is not of the form name=number"],
    [["up", "--bind", "0.0.0.0"], "--allow-insecure-bind"],
    [["up", "--bind", "::"], "--allow-insecure-bind"],
  ])("%j", async (args, reason) => {
    const run = await runLever(args);
    expect(run).toMatchObject({ status: 2, stdout: "" });
    expect(run.stderr).toContain(reason);
  });
});

it("a reader that closes the output early is not a failure", async () => {
  const large = "x".repeat(3_000_000);
  await using host = await startFakeHost((response) => answerJson(response, large));
  const child = spawnLever(["-H", host.address, "invoke", "/a/b"]);
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  child.stdout.once("data", () => child.stdout.destroy());
  const [status] = await once(child, "close");
  expect([status, stderr]).toEqual([0, ""]);
});

it("a name of another program is answered with the command that does that", async () => {
  expect(await runLever(["start", "--port", "9"])).toMatchObject({
    status: 2,
    stdout: "",
    stderr:
      "lever: Cannot read the command line: unknown command 'start'. Did you mean lever up?\nSee: lever --help\n",
  });
  expect((await runLever(["version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect((await runLever(["list", "--help"])).stdout).toContain("Usage: lever ls ");
});
