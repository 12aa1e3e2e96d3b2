/** Everything that is checked without running Lever: format, lint, types, unused code and texts. It takes less than ten seconds. */
import { spawn } from "node:child_process";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");

/** Only changed files are checked again. */
const testsBuildInfo = ["--tsBuildInfoFile", "node_modules/.cache/tests.tsbuildinfo"] as const;

/** By its path: the compiler for the TypeScript of services is another package whose command is named tsc, too. */
const tsc = "node_modules/typescript/bin/tsc";

/** Rows run at the same time, the steps of a row one after the other. */
const rows: readonly (readonly (readonly [name: string, ...command: string[]])[])[] = [
  [["format and lint", "biome", "check", "--error-on-warnings", "."]],
  [
    ["types of packages", "node", tsc, "-b"],
    [
      "types of tests",
      "node",
      tsc,
      "-p",
      "tsconfig.tests.json",
      "--incremental",
      ...testsBuildInfo,
    ],
    ["types of examples", "node", tsc, "-p", "examples"],
    ["types of the site's search", "node", tsc, "-p", "scripts/docs-site"],
  ],
  [
    ["lints of the text", "node", "scripts/lint.ts"],
    ["unused code", "knip"],
  ],
];

/** Runs one step, and prints its result. */
function run(name: string, command: string, args: readonly string[]): Promise<boolean> {
  const startedAt = performance.now();
  const bin = join(root, "node_modules/.bin", command);
  const child = spawn(bin, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  return new Promise((resolve) => {
    child.on("error", (error) => {
      output += error.message;
    });
    child.on("close", (status) => {
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      console.log(`${status === 0 ? "ok  " : "FAIL"} ${name} (${seconds} s)`);
      if (status !== 0) console.log(output);
      resolve(status === 0);
    });
  });
}

async function runRow(row: (typeof rows)[number]): Promise<boolean> {
  let isGood = true;
  for (const [name, command = "", ...args] of row) {
    isGood = (await run(name, command, args)) && isGood;
  }
  return isGood;
}

const results = await Promise.all(rows.map(runRow));
process.exitCode = results.every(Boolean) ? 0 : 1;
