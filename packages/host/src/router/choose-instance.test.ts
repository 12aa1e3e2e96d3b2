import { describe, expect, it } from "vitest";
import { chooseInstance } from "./choose-instance.ts";

const instances = (...loads: number[]): { id: number; callsInFlight: number }[] =>
  loads.map((callsInFlight, id) => ({ id, callsInFlight }));

const choose = (loads: number[], turn = 0): number | undefined =>
  chooseInstance(instances(...loads), { callsPerInstanceMax: 10, turn })?.id;

describe("chooseInstance", () => {
  it("takes the instance with the fewest calls in flight", () => {
    expect(choose([3, 1, 2])).toBe(1);
  });

  it("lets equals take turns", () => {
    expect([0, 1, 2, 3].map((turn) => choose([1, 1, 1], turn))).toEqual([0, 1, 2, 0]);
  });

  it("gives a call to nobody when every instance is full, or none is there", () => {
    expect(choose([10, 10])).toBeUndefined();
    expect(choose([])).toBeUndefined();
    expect(choose([10, 9])).toBe(1);
  });
});
