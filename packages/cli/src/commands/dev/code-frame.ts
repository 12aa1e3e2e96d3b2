import { styleText } from "node:util";
import { printable } from "@leveros/protocol";
import type { Position } from "./find-position.ts";

/** Lines that are shown before and after the one in question. */
const LINES_AROUND = 1;
const LINE_LENGTH_MAX = 160;

/**
 * The lines of a source around a place, with the place marked; "" when the source has no such line.
 *
 *     40 │   const order = await orders.get(id);
 *   › 41 │   return charge(order.total);
 *        │                       ^
 */
export function codeFrame(
  source: string,
  { line, column }: Omit<Position, "path">,
  { isColored }: { readonly isColored: boolean },
): string {
  const style = (color: "dim" | "red", text: string): string =>
    isColored ? styleText(color, text, { validateStream: false }) : text;
  const lines = source.trimEnd().split("\n");
  if (line < 1 || line > lines.length) return "";
  const from = Math.max(1, line - LINES_AROUND);
  const to = Math.min(lines.length, line + LINES_AROUND);
  const width = String(to).length;
  const frame: string[] = [];
  for (let at = from; at <= to; at++) {
    const text = printable((lines[at - 1] ?? "").slice(0, LINE_LENGTH_MAX)).trimEnd();
    const mark = at === line ? style("red", "›") : " ";
    frame.push(`  ${mark} ${style("dim", `${String(at).padStart(width)} │`)} ${text}`.trimEnd());
    if (at !== line || column === undefined || column > LINE_LENGTH_MAX) continue;
    // Tabs are as wide as above.
    const before = text.slice(0, column - 1).replace(/[^\t]/g, " ");
    frame.push(
      `    ${" ".repeat(width)} ${style("dim", "│")} ${before.padEnd(column - 1)}${style("red", "^")}`,
    );
  }
  return frame.join("\n");
}
