/**
 * Runs the conformance suite at its full length (100,000 small messages, 1 GiB of bytes each way) and prints its matrix:
 * every case on every transport and on every form of service. The reason for each `n/a` is below the table.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { regularCases, streamCases } from "../tests/conformance/cases.ts";
import { columns } from "../tests/conformance/transports.ts";

const root = join(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "lever-conform-"));
const file = join(folder, "results.json");
const vitest = join(root, "node_modules/.bin/vitest");
const args = ["run", "tests/conformance", "--reporter=json", `--outputFile=${file}`];
const env = { ...process.env, LEVER_TESTS: "long" };
const run = spawnSync(vitest, args, { cwd: root, env, encoding: "utf8", maxBuffer: 2 ** 30 });

interface Results {
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly title: string;
      readonly status: string;
    }[];
  }[];
}

let results: Results;
try {
  results = JSON.parse(readFileSync(file, "utf8")) as Results;
} catch {
  console.error(run.stdout, run.stderr);
  process.exit(1);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

const statusOf = new Map(
  results.testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .map(({ title, status }) => [title, status]),
);
const reasons = new Map<string, number>();

function cell(
  transport: (typeof columns)[number],
  of: { name: string },
  isStream: boolean,
): string {
  const carries = isStream ? transport.stream : transport.regular;
  const reason =
    carries === undefined
      ? `it carries no ${isStream ? "streaming" : "regular"} methods`
      : transport.cannot?.(of as never);
  if (reason !== undefined) {
    const key = `${transport.name}: ${reason}`;
    if (!reasons.has(key)) reasons.set(key, reasons.size + 1);
    return `n/a ${reasons.get(key)}`;
  }
  const status = statusOf.get(`${transport.name}: ${isStream ? "stream: " : ""}${of.name}`);
  return status === "passed" ? "ok" : (status ?? "MISSING").toUpperCase();
}

const rows = [
  ["case", ...columns.map(({ name }) => name)],
  ...regularCases.map((of) => [of.name, ...columns.map((transport) => cell(transport, of, false))]),
  ...streamCases.map((of) => [
    `stream: ${of.name}`,
    ...columns.map((transport) => cell(transport, of, true)),
  ]),
];
const widths =
  rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
for (const row of rows)
  console.log(row.map((text, column) => text.padEnd(widths[column] ?? 0)).join("  "));
for (const [reason, number] of reasons) console.log(`n/a ${number}  ${reason}`);
const failed = [...statusOf.values()].filter((status) => status !== "passed").length;
console.log(`${statusOf.size - failed} passed, ${failed} failed`);
const isMissing = rows.flat().includes("MISSING");
process.exitCode = failed === 0 && statusOf.size > 0 && !isMissing ? 0 : 1;
