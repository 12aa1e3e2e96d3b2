import { styleText } from "node:util";
import { printable, printableLines } from "@leveros/protocol";

/** The log writes its levels as numbers. */
const LEVELS: ReadonlyMap<number, { name: string; color: "dim" | "green" | "yellow" | "red" }> =
  new Map([
    [20, { name: "debug", color: "dim" }],
    [30, { name: "info", color: "green" }],
    [40, { name: "warn", color: "yellow" }],
    [50, { name: "error", color: "red" }],
  ]);

/** Formats one event of the host's log: time, level, part, event, fields. Any other line stays as it is. */
export function formatLogLine(line: string, options: { isColored: boolean }): string {
  const event = parseEvent(line);
  if (event === undefined) return line;
  const { level, time, part, msg, ...fields } = event;
  const { name, color } = LEVELS.get(Number(level)) ?? { name: String(level), color: "dim" };
  const styled = (style: typeof color, text: string): string =>
    options.isColored ? styleText(style, text, { validateStream: false }) : text;
  const head = [
    styled("dim", formatTime(new Date(Number(time)))),
    styled(color, name.padEnd(5)),
    String(part).padEnd(8),
    printable(String(msg)),
  ];
  return [
    head.join(" "),
    ...Object.entries(fields).map((field) => formatField(field, styled)),
  ].join("  ");
}

function formatField(
  [name, value]: [name: string, value: unknown],
  styled: (style: "dim", text: string) => string,
): string {
  // The output of an instance is the last field, and is most readable as it is.
  if (name === "line") return `| ${printableLines(String(value)).replaceAll("\n", "\n    | ")}`;
  const isPlain = typeof value === "string" && /^[\w.:/@~+-]+$/.test(value);
  return `${styled("dim", `${name}=`)}${printable(isPlain ? value : JSON.stringify(value))}`;
}

/** Local time, without the date. */
function formatTime(time: Date): string {
  const parts = [time.getHours(), time.getMinutes(), time.getSeconds()];
  const clock = parts.map((part) => String(part).padStart(2, "0")).join(":");
  return `${clock}.${String(time.getMilliseconds()).padStart(3, "0")}`;
}

function parseEvent(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    const isEvent =
      typeof value === "object" && value !== null && "level" in value && "msg" in value;
    return isEvent ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
