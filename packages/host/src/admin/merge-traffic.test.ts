import type { HostStats, StatsPoint, TrafficSeries } from "@leveros/protocol";
import { expect, it } from "vitest";
import { mergeHostStats, mergeSeries } from "./merge-traffic.ts";

const TO = Date.UTC(2026, 0, 1, 12);
const point = (minutesAgo: number, calls: number, p99Ms: number | null): StatsPoint => ({
  at: new Date(TO - minutesAgo * 60_000).toISOString(),
  calls,
  errors: 1,
  p50Ms: null,
  p95Ms: null,
  p99Ms,
  callsWaiting: 0,
  instances: 1,
  memoryBytes: 10,
  cpu: 0.5,
});
const stats = (callsPerSecond: number, p99Ms: number | null, history: StatsPoint[]): HostStats => ({
  at: new Date(TO).toISOString(),
  windowMs: 30_000,
  callsPerSecond,
  errorsPerSecond: 0,
  p50Ms: null,
  p95Ms: null,
  p99Ms,
  memoryBytes: 100,
  cpuSeconds: 2,
  history,
});

it("numbers of hosts are added up minute by minute, and percentiles are those of the slowest", () => {
  const merged = mergeHostStats(60)(
    [
      { host: "a", reply: stats(5, 20, [point(3, 10, 7), point(1, 20, null)]) },
      { host: "b", reply: stats(2, null, [point(2.9, 1, 9), point(2, 2, 3)]) },
    ],
    10,
  );
  expect(merged).toMatchObject({ callsPerSecond: 7, p99Ms: 20, memoryBytes: 200, cpuSeconds: 4 });
  expect(
    merged.history.map(({ calls, p99Ms, instances, cpu }) => [calls, p99Ms, instances, cpu]),
  ).toEqual([
    [11, 9, 2, 1],
    [2, 3, 1, 0.5],
    [20, null, 1, 0.5],
  ]);
});

it("series of hosts are added up point by point, from their ends", () => {
  const series = (callsPerSecond: readonly number[]): TrafficSeries => {
    const none = callsPerSecond.map(() => null);
    return {
      at: callsPerSecond.map((_, index) => 100 + index * 5),
      callsPerSecond,
      errorsPerSecond: callsPerSecond.map(() => 0),
      p50Ms: none,
      p95Ms: none,
      p99Ms: none,
    };
  };
  const merged = mergeSeries([series([1, 2, 3]), series([10, 20])]);
  expect(merged.at).toEqual([100, 105, 110]);
  expect(merged.callsPerSecond).toEqual([1, 12, 23]);
});
