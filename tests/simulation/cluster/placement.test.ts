import { expect, it } from "vitest";
import { simulatePlacement } from "./placement-world.ts";

it("instances are where they should be in 60 simulated worlds, when these have settled", () => {
  for (let seed = 1; seed <= 60; seed++) {
    expect(simulatePlacement(seed), `seed ${seed}`).toEqual([]);
  }
}, 60_000);
