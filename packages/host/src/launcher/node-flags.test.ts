import { expect, it } from "vitest";
import { nodeFlags } from "./node-flags.ts";

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
