import { expect, it } from "vitest";
import { ArchiveLayout, linkTarget } from "./archive-layout.ts";

const layout = new ArchiveLayout("/w/services/a", "/w");

it.each([
  ["/w/services/a", ""],
  ["/w/services/a/server.js", "server.js"],
  ["/w/services/a/node_modules/x", "node_modules/x"],
  ["/w/services/ab/x.js", "node_modules/.workspace/services/ab/x.js"],
  ["/w/node_modules/x", "node_modules/.workspace/node_modules/x"],
  ["/w", "node_modules/.workspace"],
  ["/elsewhere", undefined],
  ["/ww/x", undefined],
])("the file %s has the path %s in the archive", (file, path) => {
  expect(layout.pathOf(file)).toBe(path);
});

it("without a workspace nothing outside the folder has a path", () => {
  const alone = new ArchiveLayout("/w/services/a", "/w/services/a");
  expect(alone.pathOf("/w/node_modules/x")).toBeUndefined();
  expect(alone.foldersAbove("/w/services/a/lib")).toEqual(["/w/services/a/lib", "/w/services/a"]);
});

it("packages are looked up from a folder to the root of the workspace", () => {
  expect(layout.foldersAbove("/w/services/a")).toEqual(["/w/services/a", "/w/services", "/w"]);
});

it.each([
  ["node_modules/lib", "node_modules/.workspace/lib", ".workspace/lib"],
  ["node_modules/@x/lib", "node_modules/.workspace/lib", "../.workspace/lib"],
  ["node_modules/.workspace/node_modules/a", "", "../../.."],
  ["a", "b", "b"],
  ["a", "", "."],
])("the link %s to %s is relative: %s", (from, to, target) => {
  expect(linkTarget(from, to)).toBe(target);
});
