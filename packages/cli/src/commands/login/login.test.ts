import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { answerJson, startFakeHost } from "../../../../../tests/harness/fake-host.ts";
import { type LeverRun, runLever } from "../../../../../tests/harness/run-lever.ts";

const token = `lever_${"a".repeat(32)}`;
let config: string;

beforeEach(async () => {
  config = await mkdtemp(join(tmpdir(), "lever-login-"));
});

afterEach(() => rm(config, { recursive: true }));

function run(args: readonly string[], input = ""): Promise<LeverRun> {
  return runLever(args, { env: { XDG_CONFIG_HOME: config }, input });
}

it("lever login stores a token, later commands send it, and --forget removes it", async () => {
  await using host = await startFakeHost((response) => answerJson(response, []));
  const { address } = host;
  expect(await run(["-H", address, "login"], `${token}\n`)).toMatchObject({
    status: 0,
    stdout: `Stored the token for ${address} in ${config}/lever/credentials.json.\n`,
    stderr: "",
  });
  await run(["-H", address, "limits"]);
  expect(await run(["-H", address, "login", "--forget"])).toMatchObject({
    status: 0,
    stdout: `Removed the stored token for ${address}.\n`,
  });
  await run(["-H", address, "limits"]);
  expect(host.requests.map(({ headers }) => headers.authorization)).toEqual([
    `Bearer ${token}`,
    undefined,
  ]);
});

it.each([
  ["text that is not a token", "hello", "Cannot log in: standard input does not contain a token"],
  [
    "more than 1 MiB",
    "x".repeat(1_048_577),
    "Cannot read standard input: it has more than 1048576",
  ],
])("lever login refuses %s: status 2", async (_what, input, message) => {
  const { status, stdout, stderr } = await run(["login"], input);
  expect([status, stdout]).toEqual([2, ""]);
  expect(stderr).toContain(message);
});
