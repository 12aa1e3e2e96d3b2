/**
 * Everything that a change must pass: `npm test`. As root it installs the Debian packages that the tests need. A test that
 * this machine cannot run is a failure here; `npm run test:system` leaves it out.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { packagesMissing } from "../tests/harness/requirements.ts";
import { installDebianPackages } from "./debian-packages.ts";

const cwd = join(import.meta.dirname, "..");

/** Runs one step. Ends with its status when it fails. */
function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): void {
  const { status } = spawnSync(command, args, {
    cwd,
    stdio: "inherit",
    env: { ...process.env, ...env },
  });
  if (status !== 0) process.exit(status ?? 1);
}

// Packages arrive while this builds and checks, which needs none of them.
const installed = installDebianPackages(packagesMissing(), "run all tests");
run("npm", ["run", "--silent", "build"]);
run("npm", ["run", "--silent", "check"]);
await installed;
run(join(cwd, "node_modules/.bin/vitest"), ["run"], {
  LEVER_TEST_DIST: "1",
  LEVER_TEST_COMPLETE: "1",
});
