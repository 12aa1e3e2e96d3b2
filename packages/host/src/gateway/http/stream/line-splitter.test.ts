import { expect, it } from "vitest";
import { LineSplitter } from "./line-splitter.ts";

const text = "one\r\ntwo\n\nfour";

/** Splits the text, in chunks of one size. */
function split(size: number): string[] {
  const splitter = new LineSplitter(100);
  const lines: string[] = [];
  for (let at = 0; at < text.length; at += size) {
    let rest: Uint8Array = Buffer.from(text.slice(at, at + size));
    while (rest.length > 0) {
      const taken = splitter.take(rest);
      if (taken === undefined) break;
      lines.push(Buffer.from(taken.line).toString());
      rest = taken.rest;
    }
  }
  return [...lines, Buffer.from(splitter.takeRest()).toString()];
}

it("lines are the same wherever the chunks end", () => {
  for (let size = 1; size <= text.length; size++) {
    expect(split(size)).toEqual(["one", "two", "", "four"]);
  }
});

it("a line over the limit is too long", () => {
  const splitter = new LineSplitter(5);
  splitter.take(Buffer.from("12345"));
  expect(splitter.isTooLong).toBe(false);
  splitter.take(Buffer.from("6"));
  expect(splitter.isTooLong).toBe(true);
});
