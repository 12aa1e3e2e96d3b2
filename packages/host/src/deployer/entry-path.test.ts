import { expect, it } from "vitest";
import { entryPath } from "./entry-path.ts";

it("a path that stays inside has one form", () => {
  expect(["./a/b", "a//b/", "a/./b", "a/b"].map(entryPath)).toEqual(["a/b", "a/b", "a/b", "a/b"]);
  expect([".", "./", ""].map(entryPath)).toEqual(["", "", ""]);
  expect(entryPath("..a/b..")).toBe("..a/b..");
});

it("a path that leads outside or exceeds a bound is refused", () => {
  for (const path of [
    "/a",
    "..",
    "a/../b",
    "a/..",
    "../a",
    "a\0b",
    "x".repeat(256),
    `${"d/".repeat(65)}`,
  ]) {
    expect(entryPath(path)).toHaveProperty("problem");
  }
});
