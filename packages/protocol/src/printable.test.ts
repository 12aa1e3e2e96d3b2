import { expect, it } from "vitest";
import { printable, printableLines } from "./printable.ts";

it("control characters are escaped, except tabs", () => {
  expect(printable("\u001b[2Jgone\u009b1m\r\n\tend\u007f")).toBe(
    "\\u001b[2Jgone\\u009b1m\\u000d\\u000a\tend\\u007f",
  );
});

it("characters that reverse the order of a text are escaped", () => {
  expect(printable("a\u202eb\u2066c")).toBe("a\\u202eb\\u2066c");
});

it("lines keep their breaks, and no other control character", () => {
  expect(printableLines("a\n\tb\r\n\u001b[2J\u009b1m\u007f")).toBe(
    "a\n\tb\\u000d\n\\u001b[2J\\u009b1m\\u007f",
  );
});

it("JSON is the same value after its control characters are escaped", () => {
  const value = { "\u009bname": ["\u007f\u0085", "\u202e", "\u001b\n"] };
  const text = printableLines(JSON.stringify(value, undefined, 2));
  expect(JSON.parse(text)).toEqual(value);
  expect(text).not.toMatch(/[^\P{Cc}\n]/u);
});

it("letters of every script stay as they are", () => {
  expect(printable("ünïcödé ☃ 日本")).toBe("ünïcödé ☃ 日本");
});
