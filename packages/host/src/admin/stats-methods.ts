import { LeverError, type ServiceStats, type TrafficStats } from "@leveros/protocol";
import { type Clock, isoTime } from "../clock.ts";
import type { Fleet } from "../fleet/fleet.ts";
import { mergePoints, type TimedPoint } from "../history/merge-points.ts";
import type { MetricHistory } from "../history/metric-history.ts";
import type { HostMeters } from "../metrics/host-meters.ts";
import type { MethodMeter } from "../metrics/method-meter.ts";
import { outcomes } from "../metrics/outcome.ts";
import { OTHER, type ServiceMeter } from "../metrics/service-meter.ts";
import { methodTraffic, sumTraffic, type Traffic } from "../metrics/traffic.ts";
import type { Router } from "../router/router.ts";
import type { ServiceRoute } from "../router/service-route.ts";
import { environment, minutes, optionalService } from "./arguments.ts";
import { findEnvironment } from "./find-environment.ts";
import { mergeHostStats, mergeStats } from "./merge-traffic.ts";
import { adminMethod, type Methods } from "./method-table.ts";

export interface StatsParts {
  readonly router: Router;
  readonly fleet: Fleet;
  readonly meters: HostMeters;
  readonly history: Pick<MetricHistory, "since">;
  readonly clock: Clock;
}

const MINUTE_MS = 60_000;
/** Points of each service in the list of all, so that the reply stays within the limit of a body. */
const LISTED_POINTS_MAX = 60;
const POINTS_MAX = 1_440;

/** Methods that show calls, errors, durations, memory and processor time, now and before. */
export const statsMethods: Methods<StatsParts, "listStats" | "hostStats"> = {
  listStats: adminMethod(
    {
      right: "look",
      isChange: false,
      arguments: [environment, optionalService, minutes],
      does: "Shows the calls, errors, durations, memory and processor time of services, with their history.",
      merge: mergeStats({ listed: LISTED_POINTS_MAX, single: POINTS_MAX }),
    },
    async (parts, place, only, since) => {
      const { router, meters, history, clock } = parts;
      const { services: routes } = findEnvironment(router, place);
      if (only !== undefined && !routes.has(only)) {
        throw new LeverError("unknown_service", `There is no service ${only} in ${place}.`);
      }
      const to = clock.wallTime();
      const from = to - since * MINUTE_MS;
      const points = pointsOf(place, only, since === 0 ? [] : await history.since(from));
      const windowMs = meters.windowMs(clock.now());
      const names = only === undefined ? [...routes.keys(), OTHER] : [only];
      const services = names.flatMap((service) => {
        const max = only === undefined ? LISTED_POINTS_MAX : POINTS_MAX;
        const past = mergePoints(points.get(service) ?? [], { from, to, max });
        const meter =
          service === OTHER ? meters.services.other(place) : meters.services.find(place, service);
        const stats = {
          service,
          ...trafficStats(meter === undefined ? NO_TRAFFIC : sumTraffic([meter]), windowMs),
          ...statsNow(parts, routes.get(service), meter),
          methods: only === undefined ? [] : methodStats(meter, windowMs),
          history: past,
        };
        const isSeen = meter?.hasRecent === true || stats.instances > 0 || past.length > 0;
        return only !== undefined || isSeen ? [stats] : [];
      });
      return { at: isoTime(to), windowMs, services };
    },
  ),

  hostStats: adminMethod(
    {
      right: "look",
      isChange: false,
      arguments: [minutes],
      does: "Shows the calls, errors, durations, memory and processor time of the whole host, with their history.",
      merge: mergeHostStats(POINTS_MAX),
    },
    async ({ meters, history, clock }, since) => {
      const to = clock.wallTime();
      const from = to - since * MINUTE_MS;
      const found = since === 0 ? [] : await history.since(from);
      const points = found.map(({ at, host: point }) => ({ at, point }));
      const windowMs = meters.windowMs(clock.now());
      const recent = meters.services.all().filter(({ hasRecent }) => hasRecent);
      const { user, system } = process.cpuUsage();
      return {
        at: isoTime(to),
        windowMs,
        ...trafficStats(sumTraffic(recent), windowMs),
        memoryBytes: process.memoryUsage.rss(),
        cpuSeconds: (user + system) / 1e6,
        history: mergePoints(points, { from, to, max: POINTS_MAX }),
      };
    },
  ),
};

const NO_TRAFFIC = sumTraffic([]);

/** Numbers for one second, and the percentiles. */
export function trafficStats(
  { calls, errors, ...durations }: Traffic,
  windowMs: number,
): TrafficStats {
  const seconds = windowMs / 1_000;
  return { callsPerSecond: calls / seconds, errorsPerSecond: errors / seconds, ...durations };
}

/** The points of an environment's services, by service. */
function pointsOf(
  place: string,
  only: string | undefined,
  found: Awaited<ReturnType<MetricHistory["since"]>>,
): ReadonlyMap<string, readonly TimedPoint[]> {
  const points = new Map<string, TimedPoint[]>();
  for (const { at, services } of found) {
    for (const [key, point] of Object.entries(services)) {
      const service = key.slice(place.length + 1);
      if (!key.startsWith(`${place}/`) || (only !== undefined && service !== only)) continue;
      const of = points.get(service);
      if (of === undefined) points.set(service, [{ at, point }]);
      else of.push({ at, point });
    }
  }
  return points;
}

function statsNow(
  { fleet }: Pick<StatsParts, "fleet">,
  route: ServiceRoute | undefined,
  meter: ServiceMeter | undefined,
): Pick<
  ServiceStats,
  "callsInFlight" | "streamsOpen" | "callsWaiting" | "instances" | "memoryBytes" | "cpuSeconds"
> {
  const { callsInFlight = 0, streamsInFlight = 0, callsWaiting = 0 } = route ?? {};
  const { instances = [] } = (route && fleet.service(route.environment, route.service)) ?? {};
  return {
    callsInFlight: callsInFlight - streamsInFlight,
    streamsOpen: streamsInFlight,
    callsWaiting,
    instances: instances.length,
    memoryBytes: instances.reduce((sum, { runtime }) => sum + runtime.memoryBytes, 0),
    cpuSeconds: instances.reduce(
      (sum, { runtime }) => sum + (runtime.cpuSeconds ?? 0),
      meter?.pastCpuSeconds ?? 0,
    ),
  };
}

export function methodStats(
  meter: ServiceMeter | undefined,
  windowMs: number,
): ServiceStats["methods"] {
  return (meter?.allMethods ?? []).map((method) => ({
    method: method.method,
    ...trafficStats(methodTraffic(method), windowMs),
    ...totals(method),
  }));
}

function totals({ calls }: MethodMeter): { calls: number; errors: number } {
  const all = calls.reduce((sum, count) => sum + count, 0);
  const well = (calls[outcomes.ok] ?? 0) + (calls[outcomes.cancelled] ?? 0);
  return { calls: all, errors: all - well };
}
