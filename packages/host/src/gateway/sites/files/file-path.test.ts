import { expect, it } from "vitest";
import { filePath } from "./file-path.ts";

it.each<[string, string | undefined]>([
  ["/", ""],
  ["/index.html", "index.html"],
  ["/a/b.css", "a/b.css"],
  ["/docs/", "docs/"],
  ["/a%20b/%C3%A9.txt", "a b/é.txt"],
  ["/100%25", "100%"],
  ["/..", undefined],
  ["/../a", undefined],
  ["/a/../b", undefined],
  ["/%2e%2e/a", undefined],
  ["/a/.%2e/b", undefined],
  ["/./a", undefined],
  ["/.env", undefined],
  ["/a/.git/config", undefined],
  ["/%2egit/config", undefined],
  ["/a%2fb", undefined],
  ["/a%2F..%2Fb", undefined],
  ["/a%5cb", undefined],
  ["/a\\b", undefined],
  ["/a%00.html", undefined],
  ["//a", undefined],
  ["//evil.example/..", undefined],
  ["/a//b", undefined],
  ["/a//", undefined],
  ["/%zz", undefined],
  ["/%c0%ae%c0%ae/a", undefined],
  ["/%", undefined],
  ["a", undefined],
  ["", undefined],
  [`/${"a".repeat(4_000)}`, undefined],
])("the path %s names the file %s", (path, expected) => {
  expect(filePath(path)).toBe(expected);
});
