import { expect, it } from "vitest";
import { lineDiff } from "./line-diff.ts";

const marks = { same: " ", removed: "-", added: "+" };

const shown = (before: string, after: string): readonly (readonly string[])[] =>
  lineDiff(before, after).map((part) => part.map(({ kind, text }) => marks[kind] + text));

it("equal texts have no differences", () => {
  expect(shown("a\nb\n", "a\nb")).toEqual([]);
});

it("lines that were changed, added and removed are shown among those around them", () => {
  expect(shown("a\nb\nc\nd\n", "a\nx\nc\nd\ne\n")).toEqual([[" a", "-b", "+x", " c", " d", "+e"]]);
  expect(shown("", "a\nb\n")).toEqual([["+a", "+b"]]);
  expect(shown("a\n", "")).toEqual([["-a"]]);
});

it("lines that moved are removed and added", () => {
  expect(shown("a\nb\nc", "c\na\nb")).toEqual([["+c", " a", " b", "-c"]]);
});

it("differences that are far from each other are parts of their own, with line numbers of both texts", () => {
  const lines = Array.from({ length: 40 }, (_, index) => `line ${index + 1}`);
  const before = lines.join("\n");
  const after = [...lines.slice(0, 5), "new", ...lines.slice(5, 29), ...lines.slice(30)].join("\n");
  const parts = lineDiff(before, after);
  expect(parts.map((part) => part.length)).toEqual([7, 7]);
  expect(parts[0]?.[3]).toEqual({ kind: "added", text: "new", after: 6 });
  expect(parts[1]?.[3]).toEqual({ kind: "removed", text: "line 30", before: 30 });
  expect(parts[1]?.[6]).toEqual({ kind: "same", text: "line 33", before: 33, after: 33 });
});

it("texts with too many lines replace each other, without the lines that both begin and end with", () => {
  const long = (word: string): string =>
    `first\n${Array.from({ length: 3_000 }, (_, index) => `${word} ${index}`).join("\n")}\nlast`;
  const [part = []] = lineDiff(long("a"), long("b"));
  expect(part.length).toBe(6_002);
  expect(part[1]).toMatchObject({ kind: "removed", text: "a 0" });
  expect(part[3_001]).toMatchObject({ kind: "added", text: "b 0" });
});
