import { expect, it } from "vitest";
import { defaultWorkers, parseWorkers } from "./default-workers.ts";

it.each([
  [1, 1],
  [2, 1],
  [3, 1],
  [4, 2],
  [7, 3],
  [16, 8],
  [128, 8],
])("on %i cores %i processes accept connections", (cores, workers) => {
  expect(defaultWorkers(cores, "linux")).toBe(workers);
});

it("on systems other than Linux one process accepts connections", () => {
  expect(defaultWorkers(16, "darwin")).toBe(1);
});

it("the number of workers is from 1 to 64", () => {
  expect(["1", "64", "0", "65", "1e1", "-1", ""].map(parseWorkers)).toEqual([
    1,
    64,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});
