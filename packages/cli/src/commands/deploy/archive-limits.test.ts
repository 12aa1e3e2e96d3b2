import { defaultLimits } from "@leveros/protocol";
import { expect, it } from "vitest";
import { countPaths, describeTooLarge, largestParts, partOf } from "./archive-limits.ts";
import type { CodeEntry } from "./contents/contents.ts";

function file(path: string, bytes: number): CodeEntry {
  return { kind: "file", path, source: `/${path}`, bytes, isExecutable: false };
}

const entries = [
  file("server.js", 100),
  file("data/a.bin", 20_000_000),
  file("data/b.bin", 15_000_000),
  file("node_modules/big/lib/a.js", 5_000_000),
  file("node_modules/@s/p/a.js", 1_000),
];

it("an archive within the limits is not described", () => {
  const sizes = { archiveBytes: 31_457_280, unpackedBytes: 1, entries: 50_000 };
  expect(describeTooLarge(sizes, defaultLimits, entries)).toEqual([]);
});

it.each([
  [{ archiveBytes: 31_457_281 }, "archiveBytesMax is 31 MB (31457280 bytes)"],
  [{ unpackedBytes: 536_870_913 }, "unpackedBytesMax is 537 MB (536870912 bytes)"],
  [
    { entries: 50_001 },
    "it has 50001 files and folders; the host's limit archiveEntriesMax is 50000.",
  ],
])("of %j the limit is named, with the largest parts and the remedy", (sizes, text) => {
  const described = describeTooLarge(sizes, defaultLimits, entries).join("\n");
  expect(described).toContain(text);
  expect(described).toContain("    35 MB  data (2 files)\n   5.0 MB  node_modules/big (1 files)");
  expect(described).toContain(".leverignore");
  expect(described).toContain("lever up --limit");
});

it("folders above entries count as paths", () => {
  expect(countPaths([file("a/b/c.js", 1), { kind: "folder", path: "a" }])).toBe(3);
});

it("the largest parts come first", () => {
  expect(largestParts(entries).map(({ part }) => part)).toEqual([
    "data",
    "node_modules/big",
    "node_modules/@s/p",
    "server.js",
  ]);
});

it.each([
  ["a.js", "a.js"],
  ["lib/deep/a.js", "lib"],
  ["node_modules/x/a.js", "node_modules/x"],
  ["node_modules/x/node_modules/@s/y/a.js", "node_modules/x/node_modules/@s/y"],
  ["node_modules/.workspace/packages/lib/src/a.js", "node_modules/.workspace/packages/lib"],
  ["node_modules/.workspace/node_modules/x/a.js", "node_modules/.workspace/node_modules/x"],
  ["node_modules/.workspace/a.js", "node_modules/.workspace"],
])("the file %s belongs to the part %s", (path, part) => {
  expect(partOf(path)).toBe(part);
});
