/** The lines that lever dev prints. */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { styleText } from "node:util";
import { type DeployReport, type LogRecord, printable, printableLines } from "@leveros/protocol";
import { serviceColor } from "../logs/format-record.ts";
import { codeFrame } from "./code-frame.ts";
import { findPosition, withoutCodeFolder } from "./find-position.ts";

const LEVEL_COLORS = { debug: "dim", info: "green", warn: "yellow", error: "red" } as const;
const METHODS_SHOWN = 6;
const SOURCE_BYTES_MAX = 4 * 1024 * 1024;

export interface LineFormat {
  readonly isColored: boolean;
  /** Width of the column with the names of services. */
  readonly width: number;
}

type Style = Parameters<typeof styleText>[0];

function styled(style: Style, text: string, { isColored }: LineFormat): string {
  return isColored ? styleText(style, text, { validateStream: false }) : text;
}

function nameOf(service: string, format: LineFormat): string {
  return styled(serviceColor(service), printable(service).padEnd(format.width), format);
}

/** `12:00:00.123  shop  info   order 1042 done`, in local time; below an error the lines of the source. */
export function formatOutput(
  record: LogRecord,
  folder: string | undefined,
  format: LineFormat,
): string {
  const { at, level, service, call } = record;
  const [first = "", ...more] = withoutCodeFolder(record.text).trimEnd().split("\n").map(printable);
  const head = [
    styled("dim", timeOf(new Date(at)), format),
    nameOf(service, format),
    styled(LEVEL_COLORS[level], level.padEnd(5), format),
    first,
    ...(level === "error" && call !== undefined
      ? [styled("dim", `lever trace ${printable(call)}`, format)]
      : []),
  ];
  const frame =
    level === "error" && folder !== undefined ? frameOf(record.text, folder, format) : "";
  return [head.join("  "), ...more.map((line) => `    ${line}`), ...(frame ? [frame] : [])].join(
    "\n",
  );
}

/** `shop  v3 in 77 ms: checkout, price` */
export function formatDeployed(
  { service, version, methods }: DeployReport,
  ms: number,
  format: LineFormat,
): string {
  const shown = methods.slice(0, METHODS_SHOWN).join(", ");
  const more = methods.length > METHODS_SHOWN ? `, … (${methods.length})` : "";
  const list = methods.length === 0 ? "" : `: ${printable(shown)}${more}`;
  return `${nameOf(service, format)}  ${styled("bold", `v${version}`, format)} in ${ms} ms${list}`;
}

/** Why a save did not become live, with the lines of the source that it names. */
export function formatFailed(
  reason: string,
  { name, folder, liveVersion }: { name: string; folder: string; liveVersion: number | undefined },
  format: LineFormat,
): string {
  const text = printableLines(withoutCodeFolder(reason));
  const frame = frameOf(reason, folder, format);
  const goesOn = liveVersion === undefined ? [] : [`  Version ${liveVersion} goes on.`];
  const head = `${nameOf(name, format)}  ${styled("red", "✗", format)} ${text}`;
  return [head, ...(frame ? [frame] : []), ...goesOn].join("\n");
}

/** The lines of the source that a text names; "" if it names none. */
function frameOf(text: string, folder: string, format: LineFormat): string {
  const position = findPosition(withoutCodeFolder(text), (path) => isSource(folder, path));
  if (position === undefined) return "";
  return codeFrame(readFileSync(join(folder, position.path), "utf8"), position, format);
}

function isSource(folder: string, path: string): boolean {
  if (path.startsWith("/") || path.split("/").includes("..")) return false;
  const stats = statSync(join(folder, path), { throwIfNoEntry: false });
  return stats?.isFile() === true && stats.size <= SOURCE_BYTES_MAX;
}

function timeOf(time: Date): string {
  const parts = [time.getHours(), time.getMinutes(), time.getSeconds()];
  const clock = parts.map((part) => String(part).padStart(2, "0")).join(":");
  return `${clock}.${String(time.getMilliseconds()).padStart(3, "0")}`;
}
