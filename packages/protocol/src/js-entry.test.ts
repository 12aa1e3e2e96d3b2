import { describe, expect, it } from "vitest";
import { jsEntryCandidates, mayBeModule, suggestJsEntry } from "./js-entry.ts";

const extended = (path: string): string[] =>
  [".js", ".ts", ".mjs", ".cjs", ".mts", ".cts", ".tsx", ".jsx"].map(
    (extension) => path + extension,
  );

describe("the files that a jsEntry may mean:", () => {
  it.each([
    ["./server.js", ["server.js"]],
    ["src//server.mts", ["src/server.mts"]],
    ["server", ["server", ...extended("server"), ...extended("server/index")]],
    [
      "hello.service",
      ["hello.service", ...extended("hello.service"), ...extended("hello.service/index")],
    ],
    ["lib/", extended("lib/index")],
    [".", extended("index")],
    ["./", extended("index")],
  ])("%s", (jsEntry, candidates) => {
    expect(jsEntryCandidates(jsEntry)).toEqual(candidates);
  });
});

it.each(["", "/a.js", "../a", "a/../../b.js", "a\\b", "a\0", "a.py", "data.json"])(
  "%j is no jsEntry",
  (path) => expect(mayBeModule(path)).toBe(false),
);

describe("a missing jsEntry is refused, and the error lists similar files:", () => {
  it.each([
    ["sever.js", ["a.js", "server.js"], "Did you mean server.js?"],
    ["Server.js", ["server.js"], "Did you mean server.js?"],
    ["server.js", ["a.js", "dist/server.js"], "Did you mean dist/server.js?"],
    ["server.js", ["server.ts"], "Did you mean server.ts?"],
    ["index.js", ["a.js", "lib/b.ts", "c.json"], "There is a.js, lib/b.ts."],
    [
      "index",
      ["1.js", "2.js", "3.js", "4.js", "5.js", "6.js"],
      "There is 1.js, 2.js, 3.js, 4.js, 5.js, and 1 more.",
    ],
    ["server.js", ["readme.md"], "There is no JavaScript or TypeScript module in it."],
  ])("%s beside %j", (jsEntry, files, hint) => {
    expect(suggestJsEntry(jsEntry, files)).toBe(hint);
  });
});
