import { expect, it } from "vitest";
import { splitColors } from "./ansi.ts";

it("a text for a terminal is split by its colors", () => {
  expect(splitColors("a \u001b[31mred\u001b[0m b")).toEqual([
    { text: "a ", tone: "" },
    { text: "red", tone: "red" },
    { text: " b", tone: "" },
  ]);
});

it("other control characters are shown as escapes", () => {
  expect(splitColors("a\u001b[2Jb\u202ec\td\n")).toEqual([
    { text: "a\\u001b[2Jb\\u202ec\td\n", tone: "" },
  ]);
});

it("a text without colors is one part", () => {
  expect(splitColors("")).toEqual([{ text: "", tone: "" }]);
});
