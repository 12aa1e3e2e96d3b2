import { expect, it } from "vitest";
import { fileLengthFaults } from "./file-length.ts";

const faults = (text: string): readonly unknown[] =>
  fileLengthFaults({ sources: [{ path: "packages/a/src/a.ts", text }] });

it("a file has at most 300 lines, unless its first comment has the reason", () => {
  expect(faults("\n".repeat(300))).toEqual([]);
  expect(faults("\n".repeat(301))).toHaveLength(1);
  expect(faults(`// One class, although long: speed.\n${"\n".repeat(301)}`)).toEqual([]);
});
