import { expect, it } from "vitest";
import type { MinutePoint } from "./history-line.ts";
import { mergePoints } from "./merge-points.ts";

const MINUTE_MS = 60_000;

const minute = (
  of: number,
  calls: number,
  p99Ms: number | null,
): { at: number; point: MinutePoint } => ({
  at: of * MINUTE_MS,
  point: {
    calls,
    errors: 1,
    p50Ms: null,
    p95Ms: null,
    p99Ms,
    callsWaiting: 0,
    instances: calls,
    memoryBytes: 0,
    cpuSeconds: 30,
  },
});

const points = [minute(1, 10, 5), minute(2, 20, null), minute(3, 30, 7), minute(60, 40, null)];

it("minutes stay as they are when they are few", () => {
  const merged = mergePoints(points, { from: 0, to: 60 * MINUTE_MS, max: 60 });
  expect(merged.map(({ calls }) => calls)).toEqual([10, 20, 30, 40]);
  expect(merged[0]).toMatchObject({ at: "1970-01-01T00:01:00.000Z", cpu: 0.5, p99Ms: 5 });
});

it("of many, those of one part are added up, with the most instances and the greatest percentile", () => {
  const merged = mergePoints(points, { from: 0, to: 60 * MINUTE_MS, max: 6 });
  expect(merged).toMatchObject([
    { calls: 60, errors: 3, instances: 30, p99Ms: 7, cpu: 0.5 },
    { calls: 40, instances: 40, p99Ms: null },
  ]);
});
