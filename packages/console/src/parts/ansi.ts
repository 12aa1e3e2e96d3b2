import { printableLines } from "@leveros/protocol";

/** A part of a text in one color. */
export interface Colored {
  readonly text: string;
  /** `""` = that of the text around it. */
  readonly tone: string;
}

/** The control sequence for colors begins with ESC. */
const COLOR = new RegExp(`${String.fromCharCode(0x1b)}\\[([\\d;]*)m`, "g");

const names = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];

/** Splits a text by the colors that it has for a terminal. Other control characters are shown as escapes. */
export function splitColors(text: string): readonly Colored[] {
  const parts: Colored[] = [];
  let tone = "";
  let at = 0;
  for (const match of text.matchAll(COLOR)) {
    if (match.index > at) parts.push({ text: printableLines(text.slice(at, match.index)), tone });
    tone = toneOf(match[1] ?? "", tone);
    at = match.index + match[0].length;
  }
  if (at < text.length || parts.length === 0) {
    parts.push({ text: printableLines(text.slice(at)), tone });
  }
  return parts;
}

function toneOf(codes: string, before: string): string {
  let tone = before;
  for (const code of codes.split(";").map(Number)) {
    if (code === 0 || code === 39) tone = "";
    else if (code >= 30 && code <= 37) tone = names[code - 30] ?? "";
    else if (code >= 90 && code <= 97) tone = names[code - 90] ?? "";
  }
  return tone;
}
