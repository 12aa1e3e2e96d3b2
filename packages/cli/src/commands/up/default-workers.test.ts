import { expect, it } from "vitest";
import { defaultWorkers } from "./default-workers.ts";

it.each([
  [1, 1],
  [2, 1],
  [3, 1],
  [4, 2],
  [7, 3],
  [16, 8],
  [128, 8],
])("on %i cores %i processes take connections", (cores, workers) => {
  expect(defaultWorkers(cores, "linux")).toBe(workers);
});

it("where the system spreads no connections, one does", () => {
  expect(defaultWorkers(16, "darwin")).toBe(1);
});
