import { execFileSync } from "node:child_process";
import { globSync, statSync } from "node:fs";
import { join } from "node:path";
import type { TestProject } from "vitest/node";

const root = join(import.meta.dirname, "../..");
const bundles = [
  "packages/client/dist/browser/leveros.js",
  "packages/runtime/dist/instance/main.cjs",
  "packages/host/dist/console/index.html",
];
const sources = [
  "packages/{protocol,client,runtime,console}/{package.json,src/**/*}",
  "scripts/bundle*.ts",
];

/** Rebuilds the bundles of instances and pages, and the console, when a source is newer. */
export default function setup(project: TestProject): void {
  bundle();
  project.onTestsRerun(async () => bundle());
}

function bundle(): void {
  const bundledAt = Math.min(...bundles.map(changedAt));
  const changed = globSync(sources, { cwd: root })
    .filter((path) => !path.endsWith(".test.ts"))
    .some((path) => changedAt(path) > bundledAt);
  if (!changed) return;
  execFileSync(process.execPath, [join(root, "scripts/bundle.ts")], { stdio: "inherit" });
}

/** 0 = there is no such file. */
function changedAt(path: string): number {
  return statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
