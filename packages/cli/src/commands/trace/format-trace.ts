import { type CallTrace, type LogRecord, printable } from "@leveros/protocol";
import { formatMs } from "../calls/format-calls.ts";
import { type Line, traceLines } from "./trace-lines.ts";

const NAME_WIDTH_MAX = 40;
const BAR_WIDTH_MIN = 20;
const BAR_WIDTH_MAX = 60;
const MS_WIDTH = 9;
/** Calls that are nested deeper are indented like those above them. */
const INDENTED_DEPTH_MAX = 12;

interface Scale {
  readonly start: number;
  readonly msPerCell: number;
  readonly width: number;
}

/** The waterfall of a trace, for a terminal that is so wide. */
export function formatTrace(
  { id, traceId, calls }: CallTrace,
  logs: readonly LogRecord[],
  columns: number,
): string {
  const lines = traceLines(calls);
  const names = lines.map(({ name, depth }) => `${"  ".repeat(indentOf(depth))}${name}`);
  const nameWidth = Math.min(NAME_WIDTH_MAX, Math.max(...names.map(({ length }) => length)));
  const left = columns - nameWidth - MS_WIDTH - 30;
  const width = Math.max(BAR_WIDTH_MIN, Math.min(BAR_WIDTH_MAX, left));
  const ofCalls = lines.filter(({ call }) => call !== undefined);
  const start = Math.min(...ofCalls.map((line) => line.start));
  const totalMs = Math.max(...ofCalls.map((line) => line.start + line.ms)) - start;
  const scale: Scale = { start, msPerCell: Math.max(totalMs, 0.001) / width, width };
  const failed = ofCalls.filter(({ result }) => result === "failed").length;
  const count = calls.length === 1 ? "1 call" : `${calls.length} calls`;
  const head = `${id}  ${count}, ${formatMs(totalMs)}${failed > 0 ? `, ${failed} failed` : ""}  trace ${traceId}`;
  return [
    head,
    "",
    ...lines.flatMap((line, index) => [
      formatLine(line, (names[index] ?? "").slice(0, nameWidth).padEnd(nameWidth), scale),
      ...line.notes.map((note) => `${"  ".repeat(indentOf(line.depth) + 1)}${note}`),
      ...logs.filter(({ call }) => call === line.call).flatMap(formatLog(line.depth)),
    ]),
  ].join("\n");
}

const MARKS = { ok: "", running: " …", failed: " ✗" } as const;

function formatLine(line: Line, name: string, scale: Scale): string {
  const cells = [name, barOf(line, scale), formatMs(line.ms).padStart(MS_WIDTH)];
  return `${cells.join("  ")}${MARKS[line.result].padEnd(2)}  ${line.place}`.trimEnd();
}

/** Formats what a call has printed, below it. */
function formatLog(depth: number): (record: LogRecord) => string[] {
  const indent = "  ".repeat(indentOf(depth) + 1);
  return ({ level, text }) => {
    const [first = "", ...more] = text.split("\n").map(printable);
    return [`${indent}${level}: ${first}`, ...more.map((line) => `${indent}  ${line}`)];
  };
}

/** `░` = it waited, `█` = its method ran. */
function barOf({ start, ms, waitMs }: Line, scale: Scale): string {
  const { width } = scale;
  const cell = (at: number): number =>
    Math.max(0, Math.min(width, Math.round((at - scale.start) / scale.msPerCell)));
  const from = Math.min(width - 1, cell(start));
  const to = Math.max(from + 1, cell(start + ms));
  const assigned = Math.min(to, cell(start + waitMs));
  return `${"·".repeat(from)}${"░".repeat(Math.max(0, assigned - from))}`.concat(
    "█".repeat(to - Math.max(from, assigned)),
    "·".repeat(width - to),
  );
}

const indentOf = (depth: number): number => Math.min(depth, INDENTED_DEPTH_MAX);
