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

it.each([
  ["1\n2\n3", 100, "1\n2\n", "3"],
  ["1\n2\n", 100, "1\n2\n", ""],
  ["1\n", 100, undefined, undefined],
  ["1", 100, undefined, undefined],
  ["1\n2\n", 3, undefined, undefined],
])(
  "the lines of the chunk %j, with a limit of %i bytes, are taken together",
  (chunk, limit, lines, rest) => {
    const taken = new LineSplitter(limit).takeSeveral(Buffer.from(chunk));
    expect(taken?.lines.toString()).toBe(lines);
    expect(taken?.rest.toString()).toBe(rest);
  },
);

it("lines after one that has arrived in part are not taken together with it", () => {
  const splitter = new LineSplitter(100);
  splitter.take(Buffer.from("1"));
  expect(splitter.takeSeveral(Buffer.from("2\n3\n4\n"))).toBeUndefined();
});
