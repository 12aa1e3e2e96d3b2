import { expect, it } from "vitest";
import { StartCounter } from "./start-counter.ts";

const start = (ms: number, isWarm = false): Parameters<StartCounter["add"]>[0] => ({
  isWarm,
  prepareMs: 1,
  launchMs: 2,
  loadMs: ms - 3,
});

it("starts are counted, and their median is of all phases together", () => {
  const counter = new StartCounter();
  expect(counter.report).toEqual({ count: 0, warm: 0, medianMs: 0 });
  for (const ms of [30, 10, 500]) counter.add(start(ms, ms === 10));
  expect(counter.report).toEqual({ count: 3, warm: 1, medianMs: 30 });
});

it("the median is of the last 100 starts", () => {
  const counter = new StartCounter();
  for (let i = 0; i < 100; i++) counter.add(start(1_000));
  for (let i = 0; i < 51; i++) counter.add(start(10));
  expect(counter.report).toEqual({ count: 151, warm: 0, medianMs: 10 });
});
