/**
 * Releases a version: checks, writes the version and the changelog's date, commits and tags.
 *
 *   node scripts/release.ts 0.1.0 --dry-run   # show every step, change nothing
 *   node scripts/release.ts 0.1.0             # up to the tag, on this machine only
 *   node scripts/release.ts 0.1.0 --publish   # and publish the packages
 */
import { spawnSync } from "node:child_process";
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Manifest, type Package, repositoryUrl } from "./release/packages.ts";
import { planRelease, type Step } from "./release/plan-release.ts";
import { checkVersion } from "./release/versions.ts";

const root = join(import.meta.dirname, "..");

try {
  release();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}

function release(): void {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { publish: { type: "boolean" }, "dry-run": { type: "boolean" } },
  });
  const [version = ""] = positionals;
  const packages = readPackages();
  const current = packages[0]?.manifest.version ?? "0.0.0";
  checkVersion(version, { current, tags: git("tag").split("\n") });
  const isDryRun = values["dry-run"] === true;
  const problem = checkoutProblem();
  if (problem !== undefined && !isDryRun) throw new Error(problem);
  const steps = planRelease({
    version,
    date: new Date().toISOString().slice(0, 10),
    packages,
    changelog: readFileSync(join(root, "CHANGELOG.md"), "utf8"),
    isPublished: values.publish === true,
    repositoryUrl:
      values.publish === true
        ? repositoryUrl(git("config", "--default", "", "remote.origin.url"))
        : undefined,
    hasProvenance: process.env["GITHUB_ACTIONS"] === "true",
  });
  if (problem !== undefined) console.log(`# ${problem}`);
  for (const step of steps) {
    console.log(describe(step));
    if (!isDryRun) carryOut(step);
  }
  if (values.publish !== true) console.log("# Not published: that needs --publish.");
  console.log(`# Push it with: git push origin main v${version}`);
}

/** A release is made from a clean main. Undefined = it is one. */
function checkoutProblem(): string | undefined {
  const branch = git("branch", "--show-current");
  if (branch !== "main") return `Cannot release: the branch is ${branch || "none"}, not main.`;
  const changes = git("status", "--porcelain");
  return changes === "" ? undefined : `Cannot release: there are changes.\n${changes}`;
}

function readPackages(): readonly Package[] {
  return globSync("packages/*/package.json", { cwd: root })
    .sort()
    .map((path) => ({
      path,
      manifest: JSON.parse(readFileSync(join(root, path), "utf8")) as Manifest,
    }));
}

function describe(step: Step): string {
  switch (step.type) {
    case "run":
      return `$ ${step.command.map((word) => (/\s/.test(word) ? `"${word}"` : word)).join(" ")}`;
    case "write":
      return `$ write ${step.path}`;
  }
}

function carryOut(step: Step): void {
  if (step.type === "write") {
    writeFileSync(join(root, step.path), step.text);
    return;
  }
  const [program = "", ...args] = step.command;
  const { status } = spawnSync(program, args, { cwd: root, stdio: "inherit" });
  if (status !== 0) throw new Error(`Cannot release: a step failed: ${describe(step)}`);
}

function git(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync("git", args, { cwd: root, encoding: "utf8" });
  if (status !== 0) throw new Error(`Cannot release: git ${args.join(" ")} failed.\n${stderr}`);
  return stdout.trim();
}
