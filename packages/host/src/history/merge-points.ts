import type { StatsPoint } from "@leveros/protocol";
import { isoTime } from "../clock.ts";
import type { MinutePoint } from "./history-line.ts";
import { greater } from "./service-minutes.ts";

export interface TimedPoint {
  /** In milliseconds since 1970. */
  readonly at: number;
  readonly point: MinutePoint;
}

const MINUTE_SECONDS = 60;

/**
 * Points of a time, at most so many: those of the same part of it become one. `from` and `to` are milliseconds since 1970, the
 * points are in order.
 */
export function mergePoints(
  points: readonly TimedPoint[],
  { from, to, max }: { readonly from: number; readonly to: number; readonly max: number },
): readonly StatsPoint[] {
  const partMs = Math.max(60_000, (to - from) / max);
  const parts = Map.groupBy(points, ({ at }) => Math.floor((at - from - 1) / partMs));
  return [...parts.values()].map(mergeAll);
}

function mergeAll(points: readonly TimedPoint[]): StatsPoint {
  const sum = (of: (point: MinutePoint) => number): number =>
    points.reduce((total, { point }) => total + of(point), 0);
  const most = (of: (point: MinutePoint) => number): number =>
    Math.max(...points.map(({ point }) => of(point)));
  const slowest = (of: (point: MinutePoint) => number | null): number | null =>
    points.map(({ point }) => of(point)).reduce(greater, null);
  return {
    at: isoTime(points.at(-1)?.at ?? 0),
    calls: sum(({ calls }) => calls),
    errors: sum(({ errors }) => errors),
    p50Ms: slowest(({ p50Ms }) => p50Ms),
    p95Ms: slowest(({ p95Ms }) => p95Ms),
    p99Ms: slowest(({ p99Ms }) => p99Ms),
    callsWaiting: most(({ callsWaiting }) => callsWaiting),
    instances: most(({ instances }) => instances),
    memoryBytes: most(({ memoryBytes }) => memoryBytes),
    cpu: sum(({ cpuSeconds }) => cpuSeconds) / (MINUTE_SECONDS * points.length),
  };
}
