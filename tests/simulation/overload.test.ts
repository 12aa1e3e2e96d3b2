import { describe, expect, it } from "vitest";
import { overloadRow, rowTitle, SimulatedOverload, slowRows, steadyRows } from "./overload.ts";

const one = { instances: 1, maxInstanceLoad: 10, seed: 1 };

describe("a service that cannot get more instances", () => {
  it.each([
    [1, 5],
    [24, 5],
    [100, 5],
    [100, 10],
    [32, 1],
    [500, 1],
    [24, 50],
  ])("refuses none of %i callers of a method of %f ms", (callers, serviceMs) => {
    const world = new SimulatedOverload({ ...one, serviceMs });
    world.keepCalling(callers, Math.min(3_000, 1_000 + 200 * serviceMs));
    expect(world.refusedAt()).toEqual([]);
  });

  it.each([
    [1_000, 5],
    [1_000, 50],
    [100, 1_000],
  ])("refuses none of a burst of %i calls of %i ms", (calls, serviceMs) => {
    const world = new SimulatedOverload({ ...one, serviceMs });
    for (let i = 0; i < calls; i++) world.call();
    world.clock.advance(100 * serviceMs + 1_000);
    expect(world.refusedAt()).toEqual([]);
    expect(world.answers.length).toBe(calls);
  });

  it("refuses none of 100 callers of 5 ms a second after its instance stood still", () => {
    const world = new SimulatedOverload({ ...one, serviceMs: 5 });
    world.keepCalling(100, 500);
    world.standStill(1_000);
    world.keepCalling(0, 1_000);
    const from = world.clock.now();
    world.keepCalling(0, 2_000);
    expect(world.refusedAt().filter((at) => at > from)).toEqual([]);
    expect(world.goodput(from, world.clock.now())).toBeGreaterThan(0.95);
  });
});

describe.each(steadyRows.map((row) => [rowTitle(row), row] as const))("%s", (_title, row) => {
  const { times, serviceMs } = row;
  const result = overloadRow(row);

  it(`serves as much as it can at ${times} × that`, () => {
    expect(result.goodput).toBeGreaterThan(0.95);
  });

  it(`bounds the time of the calls that it serves at ${times} × that`, () => {
    expect(result.p99Ms).toBeLessThan(1_750 + 1.5 * serviceMs);
    expect(result.laterP99Ms).toBeLessThan(Math.max(300 + serviceMs, 2.5 * serviceMs));
  });

  it(`begins to refuse calls within a second at ${times} × that`, () => {
    expect(result.firstRefusalMs).toBeLessThan(1_000);
  });

  it(`ends to refuse calls within a second after ${times} × that`, () => {
    expect(result.lastRefusalMs).toBeLessThan(1_000);
    expect(result.refusedBefore).toBe(0);
  });
});

describe.each(slowRows.map((row) => [rowTitle(row), row] as const))("%s", (_title, row) => {
  const { times, serviceMs } = row;
  const result = overloadRow(row);

  it(`serves as much as it can at ${times} × that`, () => {
    expect(result.goodput).toBeGreaterThan(0.95);
  });

  it(`bounds the time of the calls that it serves at ${times} × that`, () => {
    expect(result.p99Ms).toBeLessThan(3 * serviceMs);
    expect(result.laterP99Ms).toBeLessThan(3 * serviceMs);
  });

  it(`begins to refuse calls a second after it could, at ${times} × that`, () => {
    // Until then, fewer calls wait than half of those that run.
    const fillMs = serviceMs / 2 / (times - 1);
    expect(result.firstRefusalMs).toBeLessThan(1_000 + fillMs);
  });

  it(`ends to refuse calls within a second after ${times} × that`, () => {
    expect(result.lastRefusalMs).toBeLessThan(1_000);
    expect(result.refusedBefore).toBe(0);
  });
});
