import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import {
  answerJson,
  answerProblem,
  type FakeHost,
  startFakeHost,
} from "../../../../../tests/harness/fake-host.ts";
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

/** Accepts one token, and has an answer for every method. */
const hostOf = (): Promise<FakeHost> =>
  startFakeHost((response, { url, headers }) => {
    if (headers.authorization !== `Bearer ${token}`) {
      answerProblem(response, 401, { code: "unauthorized", detail: "Cannot accept this." });
    } else if (url.endsWith("/whoAmI")) {
      const listing = { id: "1f2e", environments: ["*"], rights: ["invoke", "look"], note: "ci" };
      answerJson(response, { token: { ...listing, createdAt: "2026-03-01T10:00:00Z" } });
    } else answerJson(response, []);
  });

const uses =
  "You use the token 1f2e (ci), which allows invoke and look in all environments. It does not expire.\n";

it("lever login stores a token that the host accepts, and lever logout removes it", async () => {
  await using host = await hostOf();
  const { address } = host;
  const on = (...args: string[]): Promise<LeverRun> => run(["-H", address, ...args]);
  expect(await run(["-H", address, "login"], `${token}\n`)).toMatchObject({
    status: 0,
    stdout: `${uses}Stored for ${address} in ${config}/lever/credentials.json.\n`,
    stderr: "",
  });
  expect(await on("whoami")).toMatchObject({ status: 0, stdout: uses });
  expect((await on("logout")).stdout).toBe(`Removed the stored token for ${address}.\n`);
  expect((await on("logout")).stdout).toBe(`No token is stored for ${address}.\n`);
  const { status, stderr } = await on("whoami");
  expect(status).toBe(3);
  expect(stderr).toBe(
    `lever: Cannot do this without a token: the host requires one. (unauthorized)
Store a token for this host with: lever -H ${address} login
If the last admin token is lost, make another one on the machine of the host: lever token reset
`,
  );
});

it("lever login does not store a token that the host refuses: status 3", async () => {
  await using host = await hostOf();
  const refused = await run(["-H", host.address, "login"], token.replaceAll("a", "b"));
  expect([refused.status, refused.stderr]).toEqual([
    3,
    expect.stringContaining(`Cannot log in: ${host.address} does not accept this token.`),
  ]);
  expect((await run(["-H", host.address, "logout"])).stdout).toMatch(/^No token is stored/);
});

it.each([
  ["text that is not a token", "hello", "Cannot log in: this is not a token (lever_…)."],
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
