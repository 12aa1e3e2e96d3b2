import { expect, it } from "vitest";
import { nodeFlags, programNodeOptions } from "./node-flags.ts";

it.each([
  [64, 16],
  [128, 76],
  [512, 441],
  [2_048, 1_900],
])("a runtime with %s MB has a heap of at most %s MB", (ram, heapMb) => {
  expect(nodeFlags(ram)).toContain(`--max-old-space-size=${heapMb}`);
});

it("the space for new objects has the same size for every ram", () => {
  for (const ram of [64, 4_096]) expect(nodeFlags(ram)).toContain("--max-semi-space-size=4");
});

it.each([
  [64, "--max-old-space-size=16 --max-semi-space-size=4"],
  [128, "--max-old-space-size=76 --max-semi-space-size=8"],
  [1_024, "--max-old-space-size=927 --max-semi-space-size=16"],
])("a program in Node with %s MB gets %s", (ram, options) => {
  expect(programNodeOptions(ram)).toBe(options);
});
