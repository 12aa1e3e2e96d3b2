import { expect, it } from "vitest";
import { type CallCost, modelledRate } from "./worker-model.ts";

const alone: CallCost = { host: 10, workers: 0, instances: 5, others: 0 };
const before: CallCost = { host: 5, workers: 20, instances: 5, others: 0 };

it.each([
  ["the cores", before, 2, 2, 2_000 / 30],
  ["the workers", before, 8, 2, 2_000 / 20],
  ["the host's process", before, 16, 8, 1_000 / 5],
  ["one process that accepts connections itself", alone, 16, 1, 1_000 / 10],
  ["the cores, of which callers take a part", { ...alone, others: 10 }, 2, 1, 2_000 / 25],
])("the rate of calls is bounded by %s", (_name, cost, cores, workers, perMs) => {
  expect(modelledRate(cost, { cores, workers })).toBeCloseTo(perMs * 1_000);
});
