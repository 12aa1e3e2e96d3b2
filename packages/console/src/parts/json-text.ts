/** Where a text is no JSON: 1 = the first line and column. */
export interface JsonProblem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

export function jsonProblem(text: string): JsonProblem | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const [, given] = /position (\d+)/.exec(message) ?? [];
    const before = text.slice(0, given === undefined ? text.length : Number(given)).split("\n");
    return {
      line: before.length,
      column: (before.at(-1)?.length ?? 0) + 1,
      message: message.replace(/ in JSON at position.*| \(line.*/, ""),
    };
  }
}

const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(true|false|null)\b|(-?\d[\d.eE+-]*)/g;

/** The parts of a JSON text, each with what it is. */
export function tokens(text: string): readonly (readonly [kind: string, text: string])[] {
  const parts: (readonly [string, string])[] = [];
  let at = 0;
  for (const match of text.matchAll(TOKEN)) {
    const [all, quoted, colon, word, number] = match;
    if (match.index > at) parts.push(["", text.slice(at, match.index)]);
    at = match.index + all.length;
    if (quoted !== undefined) {
      parts.push([colon === undefined ? "string" : "key", quoted]);
      if (colon !== undefined) parts.push(["", colon]);
    } else if (word !== undefined) parts.push(["word", word]);
    else parts.push(["number", number ?? ""]);
  }
  parts.push(["", text.slice(at)]);
  return parts;
}
