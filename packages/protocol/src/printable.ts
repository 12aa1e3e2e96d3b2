/** Control characters, and those that reverse the order of what follows: text from a service must not control the terminal. */
const CONTROLS = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;

/** One line: escapes control characters other than tabs, as JSON does. */
export function printable(text: string): string {
  return text.replace(CONTROLS, (char) => (char === "\t" ? char : escaped(char)));
}

/** Several lines: keeps line breaks too. A text that is JSON stays the same JSON. */
export function printableLines(text: string): string {
  return text.replace(CONTROLS, (char) => (char === "\t" || char === "\n" ? char : escaped(char)));
}

function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
