import { expect, it } from "vitest";
import { LineMessages, NO_MESSAGE, splitLines } from "./line-messages.ts";

const encoder = new TextEncoder();

/** All messages of a text, and `error` for the first that cannot be read. */
function messagesOf(text: string | Uint8Array): unknown[] {
  const messages: unknown[] = [];
  try {
    const lines = new LineMessages(typeof text === "string" ? encoder.encode(text) : text);
    for (let next = lines.next(); next !== NO_MESSAGE; next = lines.next()) messages.push(next);
  } catch (error) {
    messages.push(error instanceof RangeError ? error.message : "error");
  }
  return messages;
}

it.each([
  ["one line", "1\n", [1]],
  ["a last line without its newline", "1\n[2]", [1, [2]]],
  ["values of every kind", 'null\ntrue\n"a"\n{"b":[]}\n', [null, true, "a", { b: [] }]],
  ["empty lines", '\n\r\n1\n\n\r\n2\r\n\r\n"a"\n\n', [1, 2, "a"]],
  ["no line", "\n\r\n", []],
  ["text that is not ASCII", '"é"\n"🌍"\n1\n', ["é", "🌍", 1]],
  ["byte order marks", '\ufeff"é"\n\ufeff2\n', ["é", 2]],
  ["a line that is not JSON", "1\nx\n2\n", [1, "error"]],
  ["a line of blanks", "1\n \n2\n", [1, "error"]],
  ["lines that are JSON only together", '[1\n2]\n"a\nb"\n', ["error"]],
  ["two values in a line", "1,2\n[3\n4]\n", ["error"]],
  ["text that is not UTF-8", Uint8Array.of(49, 10, 34, 0xff, 34, 10), ["error"]],
  [
    "a line that is nested too deep",
    `1\n${"[".repeat(10_001)}${"]".repeat(10_001)}\n`,
    [1, "is nested deeper than 10000 levels"],
  ],
])("lines with %s are read as messages", (_what, text, messages) => {
  expect(messagesOf(text)).toEqual(messages);
});

it("lines are split at newlines, without empty ones", () => {
  const lines = splitLines(encoder.encode('\n1\r\n\r\n"a b"\n\n[2]'));
  expect(lines.map((line) => Buffer.from(line).toString())).toEqual(["1\r", '"a b"', "[2]"]);
});
