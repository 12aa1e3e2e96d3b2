/** Projects that `lever init` writes, and `leveros/testing`, which their tests use. */
import { execFile } from "node:child_process";
import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { startLever } from "leveros/testing";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { cleanEnvironment, type LeverRun, runLever } from "../harness/run-lever.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../harness/temporary-folder.ts";

const repository = join(import.meta.dirname, "../..");
const names = ["hello-ts", "hello", "counter", "chat", "notes", "python"];

let folder: TemporaryFolder;

async function run(
  program: string,
  args: readonly string[],
  cwd: string,
): Promise<{ readonly code: number; readonly output: string }> {
  const env = { ...cleanEnvironment(), NODE_TEST_CONTEXT: undefined };
  const ended = promisify(execFile)(program, [...args], { cwd, env });
  return await ended.then(
    ({ stdout, stderr }) => ({ code: 0, output: stdout + stderr }),
    ({ code, stdout, stderr }) => ({ code, output: `${stdout}${stderr}` }),
  );
}

beforeAll(async () => {
  folder = await makeTemporaryFolder();
  await folder.link("node_modules", join(repository, "node_modules"));
});

afterAll(() => folder?.[Symbol.asyncDispose]());

describe("lever init", () => {
  let written: readonly LeverRun[];

  beforeAll(async () => {
    written = await Promise.all(
      names.map((name) => runLever(["init", name, `my-${name}`], { cwd: folder.path })),
    );
  }, 60_000);

  it("every template is written, with a schema, a test and what to type next", async () => {
    for (const { status, stdout, stderr } of written) {
      expect([status, stderr]).toEqual([0, ""]);
      expect(stdout).toMatch(/^Wrote \d+ files to my-\S+\. Next:\n {2}cd my-\S+\n/);
    }
    const text = await readFile(join(folder.path, "my-counter/lever.json"), "utf8");
    expect(JSON.parse(text)).toMatchObject({ $schema: expect.any(String), name: "my-counter" });
  });

  it("every template starts", async () => {
    const dev = await runLever(["dev", "--once"], { cwd: folder.path });
    expect(dev, dev.stdout).toMatchObject({ status: 0, stderr: "" });
    expect(dev.stdout).toContain("7 services start.");
  }, 60_000);

  it("the test of a template passes, and calls and logs are printed for one that fails", async () => {
    const project = join(folder.path, "my-hello-ts");
    await appendFile(
      join(project, "server.ts"),
      'export const log = (): void => console.log("a line of the log");\n',
    );
    await appendFile(
      join(project, "service.test.ts"),
      `test("fails", async () => { await lever.service("my-hello-ts").invoke("log"); assert.fail("no"); });\n`,
    );
    const { code, output } = await run(process.execPath, ["--test"], project);
    expect([code, output]).toEqual([1, expect.stringContaining("greet answers")]);
    expect(output).toContain("pass 1\n");
    expect(output).toMatch(
      /Called during the failed test "fails":\n {2}my-hello-ts\/log {2}[\d.]+ ms.* {2}ok {2}\(/,
    );
    expect(output).toMatch(/Logged during the failed test "fails":\n.*a line of the log/);
  }, 60_000);

  it("the types of a template are right", async () => {
    const tsc = join(repository, "node_modules/typescript/bin/tsc");
    const { code, output } = await run(
      process.execPath,
      [tsc, "--customConditions", "lever-source"],
      join(folder.path, "my-hello-ts"),
    );
    expect([code, output]).toEqual([0, ""]);
  }, 60_000);

  it("no file is replaced", async () => {
    const again = await runLever(["init", "hello", "my-hello"], { cwd: folder.path });
    expect(again).toMatchObject({ status: 2, stdout: "" });
    expect(again.stderr).toContain("these files are there already: lever.json, server.js");
    expect((await runLever(["init", "shop"], { cwd: folder.path })).stderr).toContain(
      'Cannot use "shop" as the template: allowed is hello-ts, hello, counter',
    );
  });
});

describe("leveros/testing", () => {
  const environment = { ...process.env };
  beforeAll(() => Object.assign(process.env, cleanEnvironment()));
  afterEach(() => Object.assign(process.env, environment));

  it("a folder whose service does not start is refused with the reason", async () => {
    await folder.put({
      "broken/lever.json": { name: "broken", jsEntry: "server.js" },
      "broken/server.js": "exports.a = missing;\n",
    });
    await expect(startLever({ dir: join(folder.path, "broken") })).rejects.toThrow(
      "missing is not defined",
    );
  }, 60_000);
});
