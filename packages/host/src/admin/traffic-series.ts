import type { StatsPoint, TrafficSeries } from "@leveros/protocol";
import { NO_CALLS, POINT_MS, POINTS, type RecentTraffic } from "../history/recent-traffic.ts";

const MINUTE_SECONDS = 60;
/** Points of a service are few, so that a rate follows its calls, but does not jump. */
const RATE_POINTS = 3;

/** The calls and errors of one second, as an average of the last 15. */
export function recentRates(
  recent: Pick<RecentTraffic, "points">,
  environment: string,
  service?: string,
): { readonly callsPerSecond: number; readonly errorsPerSecond: number } {
  const last = recent.points(environment, service)?.slice(-RATE_POINTS) ?? [];
  const rate = (counts: readonly number[]): number =>
    counts.reduce((sum, count) => sum + count, 0) / ((RATE_POINTS * POINT_MS) / 1_000);
  return {
    callsPerSecond: rate(last.map(({ calls }) => calls)),
    errorsPerSecond: rate(last.map(({ errors }) => errors)),
  };
}

/** The last five minutes. */
export function recentSeries(
  recent: Pick<RecentTraffic, "points" | "endedAt">,
  environment: string,
  service?: string,
): TrafficSeries {
  const points = recent.points(environment, service) ?? Array(POINTS).fill(NO_CALLS);
  const seconds = POINT_MS / 1_000;
  const lastAt = Math.round(recent.endedAt / 1_000);
  return {
    at: points.map((_, index) => lastAt - (points.length - 1 - index) * seconds),
    callsPerSecond: points.map(({ calls }) => calls / seconds),
    errorsPerSecond: points.map(({ errors }) => errors / seconds),
    p50Ms: points.map(({ p50Ms }) => p50Ms),
    p95Ms: points.map(({ p95Ms }) => p95Ms),
    p99Ms: points.map(({ p99Ms }) => p99Ms),
  };
}

/** A time of the history, point by point: minutes that the history lacks had no calls. */
export function historySeries(
  found: readonly StatsPoint[],
  { from, to, max }: { readonly from: number; readonly to: number; readonly max: number },
): TrafficSeries {
  const partSeconds = Math.max(MINUTE_SECONDS, (to - from) / 1_000 / max);
  const count = Math.floor((to - from) / 1_000 / partSeconds);
  const parts: (StatsPoint | undefined)[] = Array(count).fill(undefined);
  for (const point of found) {
    const index = Math.floor((Date.parse(point.at) - from - 1) / 1_000 / partSeconds);
    if (index >= 0 && index < count) parts[index] = point;
  }
  return {
    at: parts.map((_, index) => Math.round(from / 1_000 + (index + 1) * partSeconds)),
    callsPerSecond: parts.map((point) => (point?.calls ?? 0) / partSeconds),
    errorsPerSecond: parts.map((point) => (point?.errors ?? 0) / partSeconds),
    p50Ms: parts.map((point) => point?.p50Ms ?? null),
    p95Ms: parts.map((point) => point?.p95Ms ?? null),
    p99Ms: parts.map((point) => point?.p99Ms ?? null),
  };
}
