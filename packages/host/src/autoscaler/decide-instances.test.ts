import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../../tests/harness/seeded-random.ts";
import { decideInstances, type RecentNeeds, type ServiceLoad } from "./decide-instances.ts";

const times = { scaleDownAfterMs: 45_000, idleTimeoutMs: 300_000 };
const service: ServiceLoad = {
  load: 0,
  idleMs: 0,
  maxInstanceLoad: 10,
  minInstances: 0,
  maxInstances: 20,
};

/** Plays loads at their times; returns how many instances were wanted each time. */
function play(loads: readonly (readonly [at: number, changes: Partial<ServiceLoad>])[]): number[] {
  let recent: RecentNeeds = [];
  return loads.map(([now, changes]) => {
    const decision = decideInstances(recent, { ...service, ...changes }, { now, ...times });
    recent = decision.recent;
    return decision.wanted;
  });
}

describe("the number of instances", () => {
  it("rises with the load at once, by what one instance should carry", () => {
    expect(play([1, 10, 11, 100, 199].map((load, at) => [at, { load }]))).toEqual([
      1, 1, 2, 10, 20,
    ]);
    expect(play([[0, { load: 3, maxInstanceLoad: 0.5 }]])).toEqual([6]);
  });

  it("falls only after the load was lower for 45 s", () => {
    expect(
      play([
        [0, { load: 80 }],
        [10_000, { load: 20 }],
        [44_999, { load: 10 }],
        [45_000, { load: 10 }],
        [54_999, { load: 10 }],
        [55_000, { load: 10 }],
      ]),
    ).toEqual([8, 8, 8, 2, 2, 1]);
  });

  it("falls 45 s after the last of several peaks", () => {
    const wanted = play([
      [0, { load: 50 }],
      [40_000, { load: 50 }],
      [84_999, { load: 0 }],
      [85_000, { load: 0 }],
    ]);
    expect(wanted).toEqual([5, 5, 5, 1]);
  });

  it("is one while the service is in use, and zero after its idle timeout", () => {
    expect(
      play([
        [0, { idleMs: 0 }],
        [299_999, { idleMs: 299_999 }],
        [300_000, { idleMs: 300_000 }],
        [300_001, { load: 1, idleMs: 300_001 }],
      ]),
    ).toEqual([1, 1, 0, 1]);
  });

  it("stays between minInstances and maxInstances", () => {
    expect(play([[0, { load: 1_000 }]])).toEqual([20]);
    expect(play([[0, { idleMs: Number.POSITIVE_INFINITY, minInstances: 3 }]])).toEqual([3]);
    expect(play([[0, { load: 45, minInstances: 3 }]])).toEqual([5]);
  });

  it("is always the highest need of the last 45 s, whatever the load", () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = seededRandom(seed);
      const history: [number, number][] = [];
      let recent: RecentNeeds = [];
      let now = 0;
      for (let step = 0; step < 300; step++) {
        now += Math.floor(random() * 10_000);
        const load = Math.floor(random() ** 3 * 150);
        history.push([now, Math.ceil(load / 10)]);
        const decision = decideInstances(recent, { ...service, load }, { now, ...times });
        recent = decision.recent;
        const within = history.filter(([at]) => now - at < 45_000).map(([, need]) => need);
        expect(decision.wanted, `seed ${seed}, step ${step}`).toBe(Math.max(1, ...within));
        expect(recent.length).toBeLessThanOrEqual(20);
      }
    }
  });
});
