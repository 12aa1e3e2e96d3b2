import { styleText } from "node:util";
import { type LogLevel, type LogRecord, printable } from "@leveros/protocol";
import { shownTime } from "../../shown-time.ts";

const COLORS = { debug: "dim", info: "green", warn: "yellow", error: "red" } as const;
/** Each service has one of them. */
const SERVICE_COLORS = ["cyan", "magenta", "blue", "yellow", "green"] as const;

export interface RecordFormat {
  readonly isLocal: boolean;
  readonly isColored: boolean;
}

/**
 * `2026-01-31 12:00:00.123  info   shop-12-9db0f0a0  k7-1z4x8  order 1042 done`; in a cluster, the host stands before the instance.
 * Further lines of the text begin below its first one.
 */
export function formatRecord(record: LogRecord, { isLocal, isColored }: RecordFormat): string {
  const { at, level, host, instance, call, text } = record;
  const style = (color: Color, shown: string): string =>
    isColored ? styleText(color, shown, { validateStream: false }) : shown;
  const [first = "", ...more] = text.split("\n").map(printable);
  const head = [
    style("dim", `${shownTime(at, { isLocal })}.${at.slice(20, 23)}`),
    style(COLORS[level satisfies LogLevel], level.padEnd(5)),
    ...(host === undefined ? [] : [style("dim", printable(host))]),
    style(serviceColor(record.service), printable(instance)),
    ...(call === undefined ? [] : [style("dim", printable(call))]),
    first,
  ];
  return [head.join("  "), ...more.map((line) => `    ${line}`)].join("\n");
}

type Color = (typeof COLORS)[keyof typeof COLORS] | (typeof SERVICE_COLORS)[number];

export function serviceColor(service: string): Color {
  let hash = 0;
  for (let i = 0; i < service.length; i++) hash = (hash * 31 + service.charCodeAt(i)) % 65_536;
  return SERVICE_COLORS[hash % SERVICE_COLORS.length] ?? "cyan";
}
