import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callMethod } from "../harness/http-call.ts";
import { startLever } from "../harness/lever.ts";
import { type LeverRun, runLever } from "../harness/run-lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

const service = testService('exports.hello = () => "hello";', { name: "hello" });

describe("the data folder", () => {
  let dataDir: string;
  let versionFile: string;

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), "lever-layout-"));
    versionFile = join(dataDir, "version");
    await using lever = await startLever({ dataDir });
    await deployService(lever, service);
  });

  afterAll(() => rmSync(dataDir, { recursive: true }));

  const up = (): Promise<LeverRun> => runLever(["up", "--port", "0", "--data", dataDir]);

  describe.each([
    ["a newer Lever", () => writeFileSync(versionFile, "1000\n"), "a newer Lever wrote it"],
    ["an unreleased Lever", () => rmSync(versionFile), "an unreleased Lever wrote it"],
  ])("of %s", (writer, write, reason) => {
    let version: Buffer;
    let before: string[];
    let refused: LeverRun;

    beforeAll(async () => {
      version = readFileSync(versionFile);
      write();
      before = readdirSync(dataDir);
      refused = await up();
    });

    it(`lever up refuses the data folder of ${writer} and names --data`, () => {
      expect(refused).toMatchObject({ status: 3, stdout: "" });
      expect(refused.stderr).toContain(`Cannot use the data folder ${dataDir}: ${reason}`);
      expect(refused.stderr).toContain("--data");
    });

    it(`lever up leaves the data folder of ${writer} unchanged`, () => {
      expect(readdirSync(dataDir)).toEqual(before);
    });

    it(`the data folder of ${writer} serves again with its own version`, async () => {
      writeFileSync(versionFile, version);
      await using lever = await startLever({ dataDir });
      expect((await callMethod(lever.address, "/hello/hello", [])).json()).toBe("hello");
    });
  });
});
