import { expect, it } from "vitest";
import { seededRandom } from "../../../../tests/harness/seeded-random.ts";
import { chooseHost } from "./choose-host.ts";

/** How often each host is chosen, in 1,000 times. */
function chosen(free: readonly number[]): number[] {
  const random = seededRandom(1);
  const counts = free.map(() => 0);
  const hosts = free.map((_, index) => index);
  for (let i = 0; i < 1_000; i++) {
    const host = chooseHost(hosts, (index) => ({ free: free[index] ?? 0 }), random);
    if (host !== undefined) counts[host] = (counts[host] ?? 0) + 1;
  }
  return counts;
}

it("no host is chosen without a free place", () => {
  expect(chosen([])).toEqual([]);
  expect(chosen([0, -1, 0])).toEqual([0, 0, 0]);
  expect(chooseHost(["a"], () => undefined, Math.random)).toBeUndefined();
});

it("the only host with a free place gets every call", () => {
  expect(chosen([0, 1, 0])).toEqual([0, 1_000, 0]);
  expect(chosen([1])).toEqual([1_000]);
});

it("of two hosts, the one with more free places gets every call", () => {
  expect(chosen([3, 7])).toEqual([0, 1_000]);
});

it("of many hosts, the best one gets more calls than others, and not all", () => {
  const [best = 0, ...others] = chosen([9, 5, 5, 5, 5]);
  expect(best).toBeLessThan(600);
  for (const other of others) expect(best).toBeGreaterThan(other);
});

it("hosts with equal places get about as many calls each, also beside full ones", () => {
  for (const count of chosen([5, 5, 0, 0, 5])) {
    if (count > 0) expect(Math.abs(count - 333)).toBeLessThan(100);
  }
});
