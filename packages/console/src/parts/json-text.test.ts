import { expect, it } from "vitest";
import { jsonProblem, tokens } from "./json-text.ts";

it("the parts of a JSON text are keys, strings, numbers and words", () => {
  const text = '{"a": ["b", -1.5, true]}';
  expect(tokens(text).filter(([kind]) => kind !== "")).toEqual([
    ["key", '"a"'],
    ["string", '"b"'],
    ["number", "-1.5"],
    ["word", "true"],
  ]);
  expect(
    tokens(text)
      .map(([, part]) => part)
      .join(""),
  ).toBe(text);
});

it("the problem of a text that is no JSON has its line and column", () => {
  expect(jsonProblem("[1, 2]")).toBeUndefined();
  expect(jsonProblem('[1,\n  "a" "b"]')).toMatchObject({ line: 2, column: 7 });
  expect(jsonProblem("[1,")).toMatchObject({ line: 1, column: 4 });
});
