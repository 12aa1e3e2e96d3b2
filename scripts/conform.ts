/**
 * Runs the conformance suite at its full length (100,000 small messages, 1 GiB of bytes each way) and prints its matrix:
 * every case on every transport and on every form of service. Below the table are the reason for each `n/a`, the table of
 * requests to HTTP services on each way to their instances, and for each failure its reason and the command that runs this
 * cell alone.
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
      readonly failureMessages: readonly string[];
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

const cells = results.testResults.flatMap(({ assertionResults }) => assertionResults);
const statusOf = new Map(cells.map(({ title, status }) => [title, status]));
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

/** The message of a failure, without its stack. */
function reasonOf(messages: readonly string[]): string {
  const [message = "no reason was recorded"] = messages;
  return message.replace(/\n\s+at [\s\S]*/, "").replaceAll("\n", "\n  ");
}

/** The command that runs one cell at full length. */
function commandFor(title: string): string {
  const pattern = `${title.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`;
  return `LEVER_TESTS=long npx vitest run tests/conformance -t '${pattern.replaceAll("'", "'\\''")}'`;
}

/** The rows of `requests.test.ts`: its titles end with the way. */
function requestRows(): string[][] {
  const outcomes = cells.flatMap(({ title, status }) => {
    const [, row, way] = /^(.*); through (.*)$/.exec(title) ?? [];
    return row === undefined || way === undefined ? [] : [{ row, way, status }];
  });
  const ways = [...new Set(outcomes.map(({ way }) => way))];
  return [
    ["requests", ...ways],
    ...[...Map.groupBy(outcomes, ({ row }) => row)].map(([row, ofRow]) => [
      row,
      ...ways.map((way) => {
        const status = ofRow.find((of) => of.way === way)?.status;
        return status === "passed" ? "ok" : (status ?? "MISSING").toUpperCase();
      }),
    ]),
  ];
}

function printTable(table: readonly (readonly string[])[]): void {
  const widths =
    table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  for (const row of table)
    console.log(row.map((text, column) => text.padEnd(widths[column] ?? 0)).join("  "));
}

const rows = [
  ["case", ...columns.map(({ name }) => name)],
  ...regularCases.map((of) => [of.name, ...columns.map((transport) => cell(transport, of, false))]),
  ...streamCases.map((of) => [
    `stream: ${of.name}`,
    ...columns.map((transport) => cell(transport, of, true)),
  ]),
];
printTable(rows);
for (const [reason, number] of reasons) console.log(`n/a ${number}  ${reason}`);
console.log();
printTable(requestRows());
for (const { title, status, failureMessages } of cells) {
  if (status !== "failed") continue;
  console.log(`\nFAILED ${title}\n  ${reasonOf(failureMessages)}\n  ${commandFor(title)}`);
}
const failed = [...statusOf.values()].filter((status) => status !== "passed").length;
console.log(`${statusOf.size - failed} passed, ${failed} failed`);
const isMissing = rows.flat().includes("MISSING");
process.exitCode = failed === 0 && statusOf.size > 0 && !isMissing ? 0 : 1;
