import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callMethod, deployArchive } from "../harness/http-call.ts";
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

  describe("without its database", () => {
    const names = ["lever.sqlite", "lever.sqlite-wal", "lever.sqlite-shm"];
    let copy: string;

    beforeAll(() => {
      for (const name of names) rmSync(join(dataDir, name), { force: true });
      copy = join(dataDir, "backup", "lever.sqlite");
    });

    it("lever up refuses archives without a database, and names the copy of it", async () => {
      const refused = await up();
      expect(refused).toMatchObject({ status: 3, stdout: "" });
      expect(refused.stderr).toContain(
        "it is missing. Found beside it: archives of deployed services (1)",
      );
      expect(refused.stderr).toContain(`cp ${copy} `);
      expect(readdirSync(join(dataDir, "archives"))).toHaveLength(1);
    });

    it("a service is live again with the copy of the database", async () => {
      cpSync(copy, join(dataDir, "lever.sqlite"));
      await using lever = await startLever({ dataDir });
      expect((await callMethod(lever.address, "/hello/hello", [])).json()).toBe("hello");
    });
  });
});

/** Mounts a small file system at a folder, for `lever up` alone. */
const withFileSystem = (options: string, dir: string): readonly string[] => [
  ...["unshare", "--mount", "sh", "-c"],
  `mount -t tmpfs -o ${options} none ${dir}; exec "$@"`,
  "sh",
];

describe("a data folder on another file system", { tags: ["needs-root"] }, () => {
  let dir: string;

  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), "lever-small-"));
  });

  afterAll(() => rmSync(dir, { recursive: true }));

  it.each([
    ["read-only", "ro", "the file system is read-only (EROFS)"],
    ["full", "size=8k", "the disk is full"],
  ])("lever up refuses a %s data folder with one sentence", async (_, options, reason) => {
    const { status, stderr } = await runLever(["up", "--port", "0", "--data", dir], {
      prefix: withFileSystem(options, dir),
    });
    expect(status).toBe(3);
    expect(stderr).toMatch(/^lever: Cannot use the data folder .*\.\nChoose another port.*\n$/);
    expect(stderr).toContain(reason);
  });

  it("a disk that is full while Lever runs is named to callers", async () => {
    await using lever = await startLever({
      dataDir: dir,
      wrapper: withFileSystem("size=32m", dir),
      workers: 1,
    });
    const seen = join(`/proc/${lever.pid}/root`, dir);
    const filler = join(seen, "filler");
    expect(() => writeFileSync(filler, Buffer.alloc(40_000_000))).toThrow("ENOSPC");
    const create = (): Promise<LeverRun> => lever.lever(["env", "create", "test.lever"]);
    const refused = await create();
    expect(refused.status).toBe(3);
    expect(refused.stderr).toContain("Cannot write to Lever's database: the disk is full.");
    const deployed = await deployArchive(lever.address, service);
    expect(deployed.status).toBe(503);
    expect(deployed.text).toContain("disk");
    expect(deployed.text).not.toContain(dir);
    rmSync(filler);
    expect(await create()).toMatchObject({ status: 0 });
    await deployService(lever, service);
  });
});
