/**
 * Makes an archive of this version with Node inside, for machines without Node: `npm run archive -- FOLDER`. It has the
 * Node of the repository, and the dependencies from the registry.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { packPackages } from "../tests/install/packed-packages.ts";
import { mustRun } from "../tests/install/run-program.ts";
import { makeArchive } from "./release/make-archive.ts";

const [out] = process.argv.slice(2);
if (out === undefined) {
  console.error("Cannot make an archive: name the folder for it.");
  process.exit(2);
}
const repository = join(import.meta.dirname, "..");
const dir = resolve(out);
await mkdir(dir, { recursive: true });
const packed = await mkdtemp(join(tmpdir(), "lever-packed-"));
try {
  const packages = await packPackages(packed);
  const folder = await makeArchive({
    version: packages[0]?.manifest.version ?? "0.0.0",
    tarballs: packages.map(({ tarball }) => tarball),
    node: process.execPath,
    dir,
    repository,
    gzipLevel: 9,
    run: (words, cwd) => mustRun(words, { cwd }),
  });
  await rm(folder, { recursive: true });
  console.log(`${folder}.tar.gz`);
} finally {
  await rm(packed, { recursive: true });
}
