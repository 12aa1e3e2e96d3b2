import type { CallRecord, CallTrace, LogRecord } from "@leveros/protocol";
import { printable } from "../../printable.ts";
import { formatMs } from "../calls/format-calls.ts";

const NAME_WIDTH_MAX = 40;
const BAR_WIDTH_MIN = 20;
const BAR_WIDTH_MAX = 60;
const MS_WIDTH = 9;
/** Calls that are nested deeper are indented like those above them. */
const INDENTED_DEPTH_MAX = 12;

interface Line {
  readonly name: string;
  readonly call: CallRecord;
  readonly depth: number;
}

/** The waterfall of a trace, for a terminal that is so wide. */
export function formatTrace(
  { id, traceId, calls }: CallTrace,
  logs: readonly LogRecord[],
  columns: number,
): string {
  const lines = linesOf(calls);
  const nameWidth = Math.min(NAME_WIDTH_MAX, Math.max(...lines.map(({ name }) => name.length)));
  const left = columns - nameWidth - MS_WIDTH - 30;
  const width = Math.max(BAR_WIDTH_MIN, Math.min(BAR_WIDTH_MAX, left));
  const startMs = Math.min(...calls.map(startOf));
  const totalMs = Math.max(...calls.map(endOf)) - startMs;
  const scale = { startMs, msPerCell: Math.max(totalMs, 0.001) / width, width };
  const failed = calls.filter(({ outcome }) => outcome !== "ok" && outcome !== "running").length;
  const count = calls.length === 1 ? "1 call" : `${calls.length} calls`;
  const head = `${id}  ${count}, ${formatMs(totalMs)}${failed > 0 ? `, ${failed} failed` : ""}  trace ${traceId}`;
  return [
    head,
    "",
    ...lines.flatMap((line) => [
      ...formatCall(line, nameWidth, scale),
      ...logs.filter((record) => record.call === line.call.id).flatMap(formatLines(line.depth)),
    ]),
  ].join("\n");
}

function formatCall(
  { name, call, depth }: Line,
  nameWidth: number,
  scale: Parameters<typeof barOf>[1],
): string[] {
  const { waitMs, start, error, outcome, instance, version } = call;
  const indent = "  ".repeat(Math.min(depth, INDENTED_DEPTH_MAX) + 1);
  const below: string[] = [];
  if (waitMs !== undefined) {
    const phases =
      start === undefined
        ? ""
        : `: prepare ${formatMs(start.prepareMs)}, launch ${formatMs(start.launchMs)}${start.isWarm ? " (warm)" : ""}, load ${formatMs(start.loadMs)}`;
    below.push(`${indent}waited ${formatMs(waitMs)}${phases}`);
  }
  if (outcome !== "ok" && outcome !== "running") {
    below.push(`${indent}✗ ${printable([outcome, error ?? ""].join(": ").replaceAll("\n", " "))}`);
  }
  const place = instance === undefined ? "" : `  v${version} ${instance}`;
  const mark = outcome === "ok" ? "" : outcome === "running" ? " …" : " ✗";
  const cells = [
    name.slice(0, nameWidth).padEnd(nameWidth),
    barOf(call, scale),
    formatMs(call.ms).padStart(MS_WIDTH),
  ];
  return [`${cells.join("  ")}${mark.padEnd(2)}  ${call.id}${place}`.trimEnd(), ...below];
}

/** Formats what a call has printed, below it. */
function formatLines(depth: number): (record: LogRecord) => string[] {
  const indent = "  ".repeat(Math.min(depth, INDENTED_DEPTH_MAX) + 1);
  return ({ level, text }) => {
    const [first = "", ...more] = text.split("\n").map(printable);
    return [`${indent}${level}: ${first}`, ...more.map((line) => `${indent}  ${line}`)];
  };
}

/** `░` = it waited, `█` = its method ran. */
function barOf(
  call: CallRecord,
  { startMs, msPerCell, width }: { startMs: number; msPerCell: number; width: number },
): string {
  const cell = (ms: number): number =>
    Math.max(0, Math.min(width, Math.round((ms - startMs) / msPerCell)));
  const from = Math.min(width - 1, cell(startOf(call)));
  const to = Math.max(from + 1, cell(endOf(call)));
  const assigned = Math.min(to, cell(startOf(call) + (call.waitMs ?? 0)));
  return `${"·".repeat(from)}${"░".repeat(Math.max(0, assigned - from))}`.concat(
    "█".repeat(to - Math.max(from, assigned)),
    "·".repeat(width - to),
  );
}

/** The calls in the order of the tree that they form. A call whose parent is missing is at the top. */
function linesOf(calls: readonly CallRecord[]): Line[] {
  const lines: Line[] = [];
  const ids = new Set(calls.map(({ id }) => id));
  const add = (call: CallRecord, depth: number): void => {
    const path = call.resource === undefined ? [] : [call.resource];
    const text = printable([call.service, ...path, call.method].join("/"));
    lines.push({ name: `${"  ".repeat(Math.min(depth, INDENTED_DEPTH_MAX))}${text}`, call, depth });
    for (const child of calls) if (child.parent === call.id) add(child, depth + 1);
  };
  for (const call of calls) {
    if (call.parent === undefined || !ids.has(call.parent)) add(call, 0);
  }
  return lines;
}

const startOf = ({ at }: CallRecord): number => Date.parse(at);
const endOf = (call: CallRecord): number => startOf(call) + call.ms;
