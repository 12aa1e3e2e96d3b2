/** A part of a text in one color. */
export interface Colored {
  readonly text: string;
  /** `""` = that of the text around it. */
  readonly tone: string;
}

const names = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];

/** Splits a text by the colors that it has for a terminal. Other control characters are shown as escapes. */
export function splitColors(text: string): readonly Colored[] {
  const parts: Colored[] = [];
  let tone = "";
  let at = 0;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colors begin with one
  for (const match of text.matchAll(/\u001b\[([\d;]*)m/g)) {
    if (match.index > at) parts.push({ text: visible(text.slice(at, match.index)), tone });
    tone = toneOf(match[1] ?? "", tone);
    at = match.index + match[0].length;
  }
  if (at < text.length || parts.length === 0) parts.push({ text: visible(text.slice(at)), tone });
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

/** Line ends and tabs stay. */
function visible(text: string): string {
  return text.replace(
    /[^\P{Cc}\n\t]|[\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu,
    (it) => `\\u${it.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
