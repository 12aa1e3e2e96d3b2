import { describe, expect, it } from "vitest";
import { findExcess, type VariableSize } from "./variable-sizes.ts";

const limits = { variablesPerServiceMax: 2, variableBytesPerServiceMax: 100 };
const size = (service: string, name: string, bytes: number): VariableSize => ({
  service,
  name,
  bytes,
});

describe("findExcess", () => {
  it.each<[what: string, variables: VariableSize[], changed: string, excess: string | undefined]>([
    ["as many and as large as allowed", [size("", "A", 50), size("", "B", 50)], "", undefined],
    [
      "one too many",
      [size("", "A", 1), size("", "B", 1), size("", "C", 1)],
      "",
      "every service would see 3 variables of 3 bytes",
    ],
    ["too large together", [size("", "A", 99), size("", "B", 2)], "", "2 variables of 101 bytes"],
    ["a hidden variable", [size("", "A", 99), size("one", "A", 100)], "one", undefined],
    [
      "a service's own with those of all",
      [size("", "A", 60), size("one", "B", 60)],
      "one",
      "one would see 2 variables of 120 bytes",
    ],
    [
      "a change for all that is too much for one service",
      [size("", "A", 60), size("one", "B", 60)],
      "",
      "one would see 2 variables",
    ],
    ["another service's excess", [size("one", "A", 101), size("two", "B", 1)], "two", undefined],
  ])("%s", (_, variables, changed, excess) => {
    const found = findExcess(variables, changed, limits);
    expect(found).toEqual(excess === undefined ? undefined : expect.stringContaining(excess));
  });

  it("the sentence names both limits and their values", () => {
    expect(findExcess([size("", "A", 101)], "", limits)).toBe(
      "every service would see 1 variables of 101 bytes; allowed are at most 2 (variablesPerServiceMax) of 100 bytes (variableBytesPerServiceMax).",
    );
  });
});
