/**
 * Everything that a change must pass: `npm test`. As root it installs the Debian packages that the tests need. A test that
 * this machine cannot run is a failure here; `npm run test:system` leaves it out.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { packagesMissing } from "../tests/harness/requirements.ts";

const cwd = join(import.meta.dirname, "..");

/** Runs one step. Ends with its status when it fails. */
function run(
  command: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; isQuiet?: boolean } = {},
): void {
  const { status } = spawnSync(command, args, {
    cwd,
    stdio: ["inherit", options.isQuiet === true ? "ignore" : "inherit", "inherit"],
    env: { ...process.env, ...options.env },
  });
  if (status !== 0) process.exit(status ?? 1);
}

const missing = packagesMissing();
if (missing.length > 0) {
  if (process.getuid?.() !== 0) {
    console.error(
      `Cannot run all tests: Debian packages are missing. Run: apt-get install ${missing.join(" ")}`,
    );
    process.exit(1);
  }
  console.log(`Installing ${missing.join(" ")}`);
  const options = { env: { DEBIAN_FRONTEND: "noninteractive" }, isQuiet: true };
  run("apt-get", ["update", "-qq"], options);
  run("apt-get", ["install", "-y", "-qq", ...missing], options);
}
run("npm", ["run", "--silent", "build"]);
run("npm", ["run", "--silent", "check"]);
run(join(cwd, "node_modules/.bin/vitest"), ["run"], {
  env: { LEVER_TEST_DIST: "1", LEVER_TEST_COMPLETE: "1" },
});
