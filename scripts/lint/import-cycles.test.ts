import { expect, it } from "vitest";
import { findCycles, importCycleFaults } from "./import-cycles.ts";

const graphOf = (edges: Readonly<Record<string, readonly string[]>>) =>
  new Map(Object.entries(edges));

it.each([
  ["a tree", { a: ["b", "c"], b: ["c"], c: [] }, []],
  ["two files", { a: ["b"], b: ["a"] }, [["a", "b"]]],
  ["a longer way", { x: ["a"], a: ["b"], b: ["c"], c: ["a"] }, [["a", "b", "c"]]],
  [
    "two cycles",
    { a: ["b"], b: ["a", "c"], c: ["d"], d: ["c"] },
    [
      ["c", "d"],
      ["a", "b"],
    ],
  ],
  ["a file outside", { a: ["gone"] }, []],
])("finds the cycles of %s", (_name, edges, cycles) => {
  expect(findCycles(graphOf(edges))).toEqual(cycles);
});

it("imports of types count, those of tests do not", () => {
  const sources = [
    { path: "packages/a/src/x.ts", text: 'import type { Y } from "./inner/y.ts";' },
    { path: "packages/a/src/inner/y.ts", text: 'export { x } from "../x.ts";' },
    { path: "packages/a/src/z.ts", text: "" },
    { path: "packages/a/src/z.test.ts", text: 'import "./z.ts";' },
  ];
  expect(importCycleFaults({ sources })).toEqual([
    {
      path: "packages/a/src/inner/y.ts",
      line: 1,
      reason: "imports itself by way of packages/a/src/x.ts",
    },
  ]);
});
