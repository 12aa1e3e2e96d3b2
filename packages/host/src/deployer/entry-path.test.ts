import { expect, it } from "vitest";
import { entryPath } from "./entry-path.ts";

it("keeps paths that stay inside, in one form", () => {
  expect(["./a/b", "a//b/", "a/./b", "a/b"].map(entryPath)).toEqual(["a/b", "a/b", "a/b", "a/b"]);
  expect([".", "./", ""].map(entryPath)).toEqual(["", "", ""]);
  expect(entryPath("..a/b..")).toBe("..a/b..");
});

it("refuses every path that leads out or is out of bounds", () => {
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
