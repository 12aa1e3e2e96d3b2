import type {
  HostStats,
  MethodStats,
  ServiceStats,
  StatsPoint,
  StatsReport,
  TrafficSeries,
  TrafficStats,
} from "@leveros/protocol";
import { greater } from "../history/service-minutes.ts";
import type { HostReply, Merge } from "./method-table.ts";

const MINUTE_MS = 60_000;

/** Rates of several hosts are added up. The percentiles are those of the slowest host: those of all calls are not greater. */
export function mergeTraffic(of: readonly TrafficStats[]): TrafficStats {
  return {
    callsPerSecond: sumOf(of, ({ callsPerSecond }) => callsPerSecond),
    errorsPerSecond: sumOf(of, ({ errorsPerSecond }) => errorsPerSecond),
    p50Ms: slowest(of, ({ p50Ms }) => p50Ms),
    p95Ms: slowest(of, ({ p95Ms }) => p95Ms),
    p99Ms: slowest(of, ({ p99Ms }) => p99Ms),
  };
}

export function mergeMethods(of: readonly MethodStats[]): MethodStats[] {
  return [...Map.groupBy(of, ({ method }) => method)].map(([method, same]) => ({
    method,
    ...mergeTraffic(same),
    calls: sumOf(same, ({ calls }) => calls),
    errors: sumOf(same, ({ errors }) => errors),
  }));
}

export const mergeStats =
  (max: {
    readonly listed: number;
    readonly single: number;
  }): Merge<StatsReport, [place: string, only: string | undefined, minutes: number]> =>
  (replies, _place, only, minutes) => {
    const { at, windowMs } = first(replies);
    const all = replies.flatMap(({ reply }) => reply.services);
    const span = { to: Date.parse(at), minutes, max: only === undefined ? max.listed : max.single };
    const services = [...Map.groupBy(all, ({ service }) => service)].map(
      ([service, same]): ServiceStats => ({
        service,
        ...mergeTraffic(same),
        callsInFlight: sumOf(same, ({ callsInFlight }) => callsInFlight),
        streamsOpen: sumOf(same, ({ streamsOpen }) => streamsOpen),
        callsWaiting: sumOf(same, ({ callsWaiting }) => callsWaiting),
        instances: sumOf(same, ({ instances }) => instances),
        memoryBytes: sumOf(same, ({ memoryBytes }) => memoryBytes),
        cpuSeconds: sumOf(same, ({ cpuSeconds }) => cpuSeconds),
        methods: mergeMethods(same.flatMap(({ methods }) => methods)),
        history: mergeHistories(
          same.flatMap(({ history }) => history),
          span,
        ),
      }),
    );
    return { at, windowMs, services };
  };

export const mergeHostStats =
  (max: number): Merge<HostStats, [minutes: number]> =>
  (replies, minutes) => {
    const { at, windowMs } = first(replies);
    const all = replies.map(({ reply }) => reply);
    return {
      at,
      windowMs,
      ...mergeTraffic(all),
      memoryBytes: sumOf(all, ({ memoryBytes }) => memoryBytes),
      cpuSeconds: sumOf(all, ({ cpuSeconds }) => cpuSeconds),
      history: mergeHistories(
        all.flatMap(({ history }) => history),
        { to: Date.parse(at), minutes, max },
      ),
    };
  };

/** Points of the same part of the time become one. `max`: as each host has divided it. */
function mergeHistories(
  points: readonly StatsPoint[],
  { to, minutes, max }: { readonly to: number; readonly minutes: number; readonly max: number },
): StatsPoint[] {
  const partMs = Math.max(MINUTE_MS, (minutes * MINUTE_MS) / max);
  const parts = Map.groupBy(points, ({ at }) => Math.round((Date.parse(at) - to) / partMs));
  return [...parts]
    .sort(([one], [other]) => one - other)
    .map(([, same]) => ({
      at: same[0]?.at ?? "",
      calls: sumOf(same, ({ calls }) => calls),
      errors: sumOf(same, ({ errors }) => errors),
      p50Ms: slowest(same, ({ p50Ms }) => p50Ms),
      p95Ms: slowest(same, ({ p95Ms }) => p95Ms),
      p99Ms: slowest(same, ({ p99Ms }) => p99Ms),
      callsWaiting: sumOf(same, ({ callsWaiting }) => callsWaiting),
      instances: sumOf(same, ({ instances }) => instances),
      memoryBytes: sumOf(same, ({ memoryBytes }) => memoryBytes),
      cpu: sumOf(same, ({ cpu }) => cpu),
    }));
}

/** Series of the same points, which end at about the same time. */
export function mergeSeries(all: readonly TrafficSeries[]): TrafficSeries {
  const [own] = all;
  const at = own?.at ?? [];
  const points = at.map((_, index) =>
    all.map((series) => {
      const of = <Value>(values: readonly Value[]): Value | undefined =>
        values[values.length - at.length + index];
      return {
        callsPerSecond: of(series.callsPerSecond) ?? 0,
        errorsPerSecond: of(series.errorsPerSecond) ?? 0,
        p50Ms: of(series.p50Ms) ?? null,
        p95Ms: of(series.p95Ms) ?? null,
        p99Ms: of(series.p99Ms) ?? null,
      };
    }),
  );
  const merged = points.map(mergeTraffic);
  return {
    at,
    callsPerSecond: merged.map(({ callsPerSecond }) => callsPerSecond),
    errorsPerSecond: merged.map(({ errorsPerSecond }) => errorsPerSecond),
    p50Ms: merged.map(({ p50Ms }) => p50Ms),
    p95Ms: merged.map(({ p95Ms }) => p95Ms),
    p99Ms: merged.map(({ p99Ms }) => p99Ms),
  };
}

export function sumOf<Of>(all: readonly Of[], numberOf: (of: Of) => number): number {
  return all.reduce((total, one) => total + numberOf(one), 0);
}

function slowest<Of>(all: readonly Of[], timeOf: (of: Of) => number | null): number | null {
  return all.map(timeOf).reduce(greater, null);
}

/** The reply of the host that answers the caller, if it has one. */
export function first<Reply>([reply]: readonly HostReply<Reply>[]): Reply {
  if (reply === undefined) throw new Error("Cannot merge the replies of no host.");
  return reply.reply;
}
