import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serviceArchive } from "../harness/archive.ts";
import { callMethod, deployArchive } from "../harness/http-call.ts";
import { startLever } from "../harness/lever.ts";
import { type LeverRun, runLever } from "../harness/run-lever.ts";

const archive = serviceArchive({
  "lever.json": '{"name": "hello", "jsEntry": "server.js"}',
  "server.js": 'exports.hello = () => "hello";',
});

describe("the data folder", () => {
  let dataDir: string;
  let versionFile: string;

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), "lever-layout-"));
    versionFile = join(dataDir, "version");
    await using lever = await startLever({ dataDir });
    expect((await deployArchive(lever.address, archive)).status).toBe(200);
  });

  afterAll(() => rmSync(dataDir, { recursive: true }));

  const up = (): Promise<LeverRun> => runLever(["up", "--port", "0", "--data", dataDir]);

  it.each([
    ["a newer Lever", () => writeFileSync(versionFile, "1000\n"), "a newer Lever wrote it"],
    ["an unreleased Lever", () => rmSync(versionFile), "an unreleased Lever wrote it"],
  ])("of %s is refused, unchanged, and serves again with its own", async (_name, write, reason) => {
    const version = readFileSync(versionFile);
    write();
    const before = readdirSync(dataDir);
    const refused = await up();
    expect(refused).toMatchObject({ status: 3, stdout: "" });
    expect(refused.stderr).toContain(`Cannot use the data folder ${dataDir}: ${reason}`);
    expect(refused.stderr).toContain("--data");
    expect(readdirSync(dataDir)).toEqual(before);
    writeFileSync(versionFile, version);
    await using lever = await startLever({ dataDir });
    expect((await callMethod(lever.address, "/hello/hello", [])).json()).toBe("hello");
  });
});
