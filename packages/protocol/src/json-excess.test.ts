import { expect, it } from "vitest";
import { JSON_DEPTH_MAX, JSON_PARTS_MAX, jsonExcess } from "./json-excess.ts";

const excess = (text: string): string | undefined => jsonExcess(new TextEncoder().encode(text));
const nested = (depth: number, open = "[", close = "]"): string =>
  open.repeat(depth) + close.repeat(depth);
const deep = "is nested deeper than 10000 levels";
const wide = "has more than 250000 arrays and objects";

it.each<[string, string, string | undefined]>([
  ["arrays as deep as allowed", nested(JSON_DEPTH_MAX), undefined],
  ["arrays one level deeper", nested(JSON_DEPTH_MAX + 1), deep],
  ["arrays that are not closed", "[".repeat(4_000_000), deep],
  ["objects that are too deep", nested(JSON_DEPTH_MAX + 1, '{"a":', "}"), deep],
  ["objects and arrays that are too deep", nested(JSON_DEPTH_MAX / 2 + 1, '[{"":', "}]"), deep],
  ["depth that follows a value", `[${"1,".repeat(9_000)}${nested(20_000)}]`, deep],
  ["brackets in a string", JSON.stringify("[{".repeat(100_000)), undefined],
  ["brackets after an escaped quote", JSON.stringify(`"${"[".repeat(100_000)}`), undefined],
  ["depth after a string that ends with a backslash", `["\\\\",${nested(20_000)}]`, deep],
  ["a string without an end", `["${"[".repeat(100_000)}`, undefined],
  ["a text in other alphabets", JSON.stringify("日本語".repeat(50_000)), undefined],
  ["as many objects as allowed", `[${"{},".repeat(JSON_PARTS_MAX - 1)}0]`, undefined],
  ["one object more", `[${"{},".repeat(JSON_PARTS_MAX)}0]`, wide],
  ["many arrays that are shallow", `[${"[[]],".repeat(600_000)}0]`, wide],
  ["many objects in a text that is long", `[${'{"name":"value"},'.repeat(300_000)}0]`, undefined],
  ["many numbers", `[${"0,".repeat(2_000_000)}0]`, undefined],
  ["an empty text", "", undefined],
])("the excess of %s", (_name, text, expected) => {
  expect(excess(text)).toBe(expected);
});
