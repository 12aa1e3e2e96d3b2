import { expect, it } from "vitest";
import { conflictFaults } from "./conflict-markers.ts";

it("the markers of an unresolved merge are faults, the underline of a heading is none", () => {
  const text = `Title\n=======\n${"<".repeat(7)} HEAD\na\n=======\nb\n${">".repeat(7)} 1a2b3c4\n`;
  const faults = conflictFaults({ sources: [], documents: [{ path: "a.md", text }] });
  expect(faults.map(({ line }) => line)).toEqual([3, 7]);
});
