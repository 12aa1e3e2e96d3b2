import { expect, it } from "vitest";
import { BUCKETS, boundsMs, bucketOf, Histogram, percentileMs } from "./histogram.ts";

/** Finds the bucket by a plain search. */
function searched(ms: number): number {
  const found = boundsMs.findIndex((bound) => ms <= bound);
  return found === -1 ? BUCKETS - 1 : found;
}

it("72 bounds lead from 10 µs to 750 s, each greater than the one before", () => {
  expect(boundsMs).toHaveLength(BUCKETS - 1);
  expect([boundsMs[0], boundsMs.at(-1)]).toEqual([0.01, 750_000]);
  expect(boundsMs).toEqual([...new Set(boundsMs)].toSorted((a, b) => a - b));
});

it("the bucket of a duration is the one that a plain search finds", () => {
  const values = Array.from({ length: 65_536 }, (_, index) => 10 ** (-3 + (index / 65_536) * 10));
  const beside = boundsMs.flatMap((bound) => [bound * (1 - 2e-16), bound, bound * (1 + 3e-16)]);
  const odd = [0, -1, Number.NaN, Number.POSITIVE_INFINITY, Number.MIN_VALUE, Number.MAX_VALUE];
  const wrong = [...values, ...beside].filter((ms) => bucketOf(ms) !== searched(ms));
  expect(wrong).toEqual([]);
  expect(odd.map(bucketOf)).toEqual([0, 0, 0, BUCKETS - 1, 0, BUCKETS - 1]);
});

it("a percentile lies within the bucket that has it", () => {
  const histogram = new Histogram();
  for (let ms = 1; ms <= 1_000; ms++) histogram.observe(ms);
  expect(percentileMs(histogram.counts, 0.5)).toBeCloseTo(500, 0);
  expect(percentileMs(histogram.counts, 0.99)).toBeGreaterThan(750);
  expect(percentileMs(histogram.counts, 0.99)).toBeLessThanOrEqual(1_000);
  expect(histogram.sumMs).toBe(500_500);
});

it("a histogram without durations has no percentile", () => {
  expect(percentileMs(new Histogram().counts, 0.5)).toBeUndefined();
});

it("a sum of histograms has the durations of both", () => {
  const [one, other] = [new Histogram(), new Histogram()];
  one.observe(1);
  other.observe(1);
  other.observe(900_000);
  one.add(other);
  expect([one.counts[bucketOf(1)], one.counts.at(-1), one.sumMs]).toEqual([2, 1, 900_002]);
});
