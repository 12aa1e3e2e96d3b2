import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { deployArchive } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import type { LeverRun } from "../harness/run-lever.ts";
import { makeTemporaryFolder } from "../harness/temporary-folder.ts";
import { deployService, testService } from "../harness/test-service.ts";

/** Clears a terminal in two ways, moves its cursor, and reverses what follows. */
const CONTROLS = "\u001b[2J\u009b2J\r\b\u007f\u202e";
const SHOWN = "\\u001b[2J\\u009b2J";

const CODE = `
  const controls = ${JSON.stringify(CONTROLS)};
  exports.value = () => [controls, { [controls]: 1 }];
  exports.fails = () => { throw new Error(controls); };
  exports.valueChan = (stream) => { stream.write(controls); stream.end(); };`;

const BROKEN = `
  console.error(${JSON.stringify(CONTROLS)});
  throw new Error(${JSON.stringify(CONTROLS)});`;

let lever: RunningLever;

beforeAll(async () => {
  lever = await startLever();
  const description = `first line\n${CONTROLS}`;
  await deployService(lever, testService(CODE, { name: "colors", description }));
});
afterAll(() => lever.stop());

describe("control characters of a service", () => {
  const runs = new Map<string, LeverRun>();
  const commands: readonly [name: string, status: number, args: string[]][] = [
    ["lever ls", 0, ["ls", "colors"]],
    ["lever invoke", 0, ["invoke", "/colors/value"]],
    ["lever invoke --pretty", 0, ["invoke", "/colors/value", "--pretty"]],
    ["lever invoke of a method that fails", 1, ["invoke", "/colors/fails"]],
    ["lever stream", 0, ["stream", "/colors/valueChan"]],
    ["lever deploy of a module that fails", 1, ["deploy"]],
  ];

  beforeAll(async () => {
    await using folder = await makeTemporaryFolder();
    const leverJson = { name: "broken", jsEntry: "server.js", [CONTROLS]: 1 };
    await folder.put({ "lever.json": leverJson, "server.js": BROKEN });
    await Promise.all(
      commands.map(async ([name, , args]) => {
        runs.set(name, await lever.lever(args, { cwd: folder.path }));
      }),
    );
  });

  it.each(commands)("control characters are escaped by %s", (name, status) => {
    const { stdout = "", stderr = "", ...run } = runs.get(name) ?? {};
    expect(run, stderr).toMatchObject({ status });
    expect(stdout + stderr).toContain(SHOWN);
    expect(stdout + stderr).not.toMatch(/[^\P{Cc}\n]|\u202e/u);
  });

  it("lever invoke prints the same JSON value with escaped control characters", () => {
    const { stdout = "" } = runs.get("lever invoke") ?? {};
    expect(JSON.parse(stdout)).toEqual([CONTROLS, { [CONTROLS]: 1 }]);
  });
});

it.each(["a/b", "a\rb", "a\nb", "\u001b[2J"])(
  "a service with a method named %j is refused",
  async (method) => {
    const code = `exports[${JSON.stringify(method)}] = () => 1;`;
    const answer = await deployArchive(lever.address, testService(code, { name: "odd" }));
    expect([answer.status, answer.json()]).toEqual([
      500,
      expect.stringContaining(`no URL can name its method ${JSON.stringify(method)}`),
    ]);
  },
);
