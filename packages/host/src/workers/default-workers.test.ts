import { expect, it } from "vitest";
import { defaultWorkers, lackOfCores } from "./default-workers.ts";

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

it.each([
  [1, 1, undefined],
  [1, 2, undefined],
  [2, 1, "2 workers, the host and the instances share one core."],
  [3, 2, "3 workers, the host and the instances share 2 cores."],
  [2, 3, "2 workers, the host and the instances share 3 cores."],
  [2, 4, undefined],
  [64, 4, undefined],
])("what %i workers lack on %i cores: %s", (workers, cores, expected) => {
  const remedy = " With fewer than 4 cores, plain HTTP calls are faster with --workers 1.";
  expect(lackOfCores(workers, cores)).toBe(expected && expected + remedy);
});
