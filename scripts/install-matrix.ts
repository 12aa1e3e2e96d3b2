/**
 * Installs the packages as users do, and runs them: `npm run install-matrix`, or `npm run install-matrix -- npx` for the
 * rows with that word. The command with Node 24, globally, by npx and from an archive; its advice on Node 20 and 22; the
 * client on Node 20, 22 and 24, Bun and Deno. Programs and dependencies come from the registry.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stopAllLevers } from "../tests/harness/lever.ts";
import { Programs } from "../tests/install/engines.ts";
import { packPackages } from "../tests/install/packed-packages.ts";
import { rows } from "../tests/install/rows.ts";

const words = process.argv.slice(2);
const chosen = rows.filter(({ name }) => words.every((word) => name.includes(word)));
if (chosen.length === 0) {
  console.error(`Cannot test ${words.join(" ")}: no row has these words.`);
  process.exit(2);
}
const folder = await mkdtemp(join(tmpdir(), "lever-install-"));
let failed = 0;
try {
  const packages = await packPackages(folder);
  const programs = new Programs(folder);
  for (const [index, { name, run }] of chosen.entries()) {
    const dir = join(folder, `row-${index}`);
    await mkdir(dir);
    const error = await run({ programs, packages, dir }).then(() => undefined, String);
    console.log(`${error === undefined ? "ok    " : "FAILED"}  ${name}`);
    if (error !== undefined) {
      failed++;
      console.log(error.replace(/^/gm, "        "));
    }
  }
} finally {
  await stopAllLevers();
  await rm(folder, { recursive: true, force: true });
}
console.log(`${chosen.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
