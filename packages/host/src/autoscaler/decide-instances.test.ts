import { expect, it } from "vitest";
import { decideInstances } from "./decide-instances.ts";

const decide = (
  callsInFlight: number,
  callsWaiting: number,
  idleMs: number,
  minInstances = 0,
): number =>
  decideInstances({ callsInFlight, callsWaiting, idleMs, minInstances }, { idleTimeoutMs: 1_000 });

it("wants an instance while calls are there or have been lately", () => {
  expect(decide(0, 1, Number.POSITIVE_INFINITY)).toBe(1);
  expect(decide(1, 0, Number.POSITIVE_INFINITY)).toBe(1);
  expect(decide(0, 0, 999)).toBe(1);
});

it("wants none for an idle service, and never fewer than its minimum", () => {
  expect(decide(0, 0, 1_000)).toBe(0);
  expect(decide(0, 0, 1_000, 2)).toBe(2);
  expect(decide(5, 0, 0, 2)).toBe(2);
});
