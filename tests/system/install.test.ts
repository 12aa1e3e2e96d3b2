/** The packages as they are published, installed as users install them. `npm run install-matrix` has further rows. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeTemporaryFolder, type TemporaryFolder } from "../harness/temporary-folder.ts";
import { Programs } from "../install/engines.ts";
import { type PackedPackage, packPackages } from "../install/packed-packages.ts";
import { rows } from "../install/rows.ts";

const short = rows.filter(({ isShort }) => isShort);

describe.runIf(process.env["LEVER_TEST_DIST"] === "1")("installed packages", () => {
  let folder: TemporaryFolder;
  let packages: readonly PackedPackage[];
  let programs: Programs;

  beforeAll(async () => {
    folder = await makeTemporaryFolder();
    programs = new Programs(folder.path);
    packages = await packPackages(folder.path);
  }, 120_000);

  afterAll(() => folder?.[Symbol.asyncDispose]());

  // Most of their time is that of npm, which waits for the registry.
  it.concurrent.each(short.map((row, index) => ({ ...row, index })))(
    "$name",
    async ({ run, index }) => {
      const dir = join(folder.path, `row-${index}`);
      await mkdir(dir);
      await expect(run({ programs, packages, dir })).resolves.toBe(undefined);
    },
    300_000,
  );
});
