import { expect, it } from "vitest";
import { ArchivePaths, type PathKind } from "./archive-paths.ts";

type Claim = readonly [path: string, kind: PathKind];

function claimAll(claims: readonly Claim[], pathsMax = 100): void {
  const paths = new ArchivePaths(pathsMax);
  for (const [path, kind] of claims) paths.claim(path, kind);
}

it.each<readonly Claim[]>([
  [
    ["a", "file"],
    ["a", "file"],
  ],
  [
    ["a", "link"],
    ["a", "file"],
  ],
  [
    ["a", "file"],
    ["a", "link"],
  ],
  [
    ["a", "folder"],
    ["a", "folder"],
    ["a/b", "file"],
  ],
  [
    ["", "folder"],
    ["a/b/c", "file"],
    ["a/b", "folder"],
  ],
])("a path may be taken again by %j and %j", (...claims) => {
  expect(() => claimAll(claims)).not.toThrow();
});

it.each<readonly [Claim, Claim, string]>([
  [["a", "file"], ["a", "folder"], '"a" is a file and also a folder'],
  [["a", "folder"], ["a", "file"], '"a" is a file and also a folder'],
  [["a/b", "file"], ["a", "link"], '"a" is a link and also a folder'],
  [["a", "link"], ["a/b", "file"], '"a" is a link and also a folder'],
  [["a/b", "file"], ["a/b/c/d", "file"], '"a/b" is a file and also a folder'],
])("a path that is taken by %j and %j is refused", (first, second, reason) => {
  expect(() => claimAll([first, second])).toThrow(
    `Cannot unpack the archive: its entry ${reason}.`,
  );
});

it("folders that no entry names count as entries", () => {
  expect(() => claimAll([["a/b/c", "file"]], 3)).not.toThrow();
  expect(() => claimAll([["a/b/c", "file"]], 2)).toThrow("it has more than 2 entries");
});
