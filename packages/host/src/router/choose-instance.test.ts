import { describe, expect, it } from "vitest";
import { type Candidate, chooseForResource, chooseInstance } from "./choose-instance.ts";

const instances = (...loads: number[]): (Candidate & { id: number })[] =>
  loads.map((callsInFlight, id) => ({ id, callsInFlight, streamsInFlight: 0 }));

const capacity = { callsPerInstanceMax: 10, callsPerInstanceTarget: 6, isStream: false };

const choose = (loads: number[], changes: object = {}): number | undefined =>
  chooseInstance(instances(...loads), { ...capacity, turn: 0, ...changes })?.id;

describe("chooseInstance", () => {
  it("takes the instance with the fewest calls in flight", () => {
    expect(choose([3, 1, 2])).toBe(1);
  });

  it("lets equals take turns", () => {
    expect([0, 1, 2, 3].map((turn) => choose([1, 1, 1], { turn }))).toEqual([0, 1, 2, 0]);
  });

  it("gives a call to nobody when every instance is full, or none is there", () => {
    expect(choose([10, 10])).toBeUndefined();
    expect(choose([])).toBeUndefined();
    expect(choose([10, 5])).toBe(1);
  });

  it("holds regular calls to their slots, and streams only to the most that an instance may carry", () => {
    expect(choose([6, 7])).toBeUndefined();
    expect(choose([6, 7], { isStream: true })).toBe(0);
    const streaming = [{ callsInFlight: 9, streamsInFlight: 8 }];
    expect(chooseInstance(streaming, { ...capacity, turn: 0 })).toBe(streaming[0]);
  });
});

describe("chooseForResource", () => {
  const choose = (...instances: [calls: number, resources: number][]): number | undefined => {
    const held = instances.map(([callsInFlight, resources], id) => ({
      id,
      callsInFlight,
      streamsInFlight: 0,
      resources,
    }));
    return chooseForResource(held, {
      callsPerInstanceMax: 10,
      resourcesOf: ({ resources }) => resources,
    })?.id;
  };

  it("takes the instance with the fewest resources, and of equals the one with the fewest calls", () => {
    expect(choose([0, 2], [5, 1], [0, 3])).toBe(1);
    expect(choose([3, 1], [1, 1], [2, 1])).toBe(1);
  });

  it("takes none that is full", () => {
    expect(choose([10, 0], [1, 5])).toBe(1);
    expect(choose([10, 0])).toBeUndefined();
  });
});
