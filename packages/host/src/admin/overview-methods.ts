import {
  type InstanceDetails,
  LeverError,
  type ServiceRow,
  type StatsPoint,
  type TrafficSeries,
} from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { ServiceFleet } from "../fleet/service-fleet.ts";
import { mergePoints, type TimedPoint } from "../history/merge-points.ts";
import type { MetricHistory } from "../history/metric-history.ts";
import { POINT_MS, type RecentTraffic } from "../history/recent-traffic.ts";
import type { HostMeters } from "../metrics/host-meters.ts";
import { sumTraffic } from "../metrics/traffic.ts";
import type { Router } from "../router/router.ts";
import type { ServiceRoute } from "../router/service-route.ts";
import { environment, minutes, service } from "./arguments.ts";
import { findEnvironment } from "./find-environment.ts";
import { type FoundService, serviceQuery, windowOf } from "./find-services.ts";
import { mergeDetails, mergeOverview, mergeWindows } from "./merge-overview.ts";
import { adminMethod, type Methods } from "./method-table.ts";
import { statusOf } from "./observe-methods.ts";
import { methodStats, trafficStats } from "./stats-methods.ts";
import { historySeries, recentRates, recentSeries } from "./traffic-series.ts";

export interface OverviewParts {
  readonly router: Router;
  readonly fleet: Fleet;
  readonly meters: HostMeters;
  readonly recent: Pick<RecentTraffic, "points" | "endedAt">;
  readonly history: Pick<MetricHistory, "since">;
  readonly clock: Clock;
}

const MINUTE_MS = 60_000;
const HISTORY_POINTS_MAX = 240;

/** Methods that show an environment as it is now, in replies of bounded size: the console calls them every second. */
export const overviewMethods: Methods<
  OverviewParts,
  "getOverview" | "findServices" | "getService"
> = {
  getOverview: adminMethod(
    {
      right: "look",
      isChange: false,
      arguments: [environment, minutes],
      does: "Shows an environment as it is now: sums of its services and instances, and their calls over time.",
      merge: mergeOverview,
    },
    async (parts, name, since) => {
      const { router, fleet, meters, recent, clock } = parts;
      const routes = [...findEnvironment(router, name).services.values()];
      const services = fleet.servicesOf(name);
      const instances = services.flatMap((of) => of.instances);
      const counted = meters.services
        .all()
        .filter((meter) => meter.environment === name && meter.hasRecent);
      const { reserved, max } = fleet.ram;
      return {
        environment: name,
        services: routes.length,
        awake: services.filter((of) => of.instances.length > 0).length,
        failing: services.filter(({ failing }) => failing !== undefined).length,
        instances: instances.length,
        callsInFlight: sum(routes, (route) => route.callsInFlight),
        callsWaiting: sum(routes, (route) => route.callsWaiting),
        ...trafficStats(sumTraffic(counted), meters.windowMs(clock.now())),
        ...recentRates(recent, name),
        memory: {
          instancesBytes: sum(instances, ({ runtime }) => runtime.memoryBytes),
          hostBytes: process.memoryUsage.rss(),
          ramReserved: reserved,
          ramMax: max,
        },
        series: await seriesOf(parts, { place: name, minutes: since }),
      };
    },
  ),

  findServices: adminMethod(
    {
      right: "look",
      isChange: false,
      arguments: [environment, serviceQuery],
      does: "Finds services of an environment, in the order that the query asks for: a window of at most 100 of them.",
      merge: mergeWindows,
    },
    (parts, name, query) => {
      const { services } = findEnvironment(parts.router, name);
      const found = [...services.values()].map((route) => foundService(parts, route));
      return windowOf(found, query, (of) => rowOf(parts, name, of));
    },
  ),

  getService: adminMethod(
    {
      right: "look",
      isChange: false,
      arguments: [environment, service, minutes],
      does: "Shows a service as it is now: its methods and instances, and its calls over time.",
      merge: mergeDetails,
    },
    async (parts, place, name, since) => {
      const { router, fleet, meters, recent, clock } = parts;
      const { services, access } = findEnvironment(router, place);
      const route = services.get(name);
      if (route === undefined) {
        throw new LeverError("unknown_service", `There is no service ${name} in ${place}.`);
      }
      const running = fleet.service(place, name);
      const { version, isPrivate, methods = [] } = route.live;
      const windowMs = meters.windowMs(clock.now());
      const meter = meters.services.find(place, name);
      const { callsInFlight, streamsInFlight, callsWaiting } = route;
      return {
        environment: place,
        service: name,
        description: running?.live.leverJson.description ?? "",
        private: isPrivate,
        ...(access.kind === "platform" && { platform: true }),
        version,
        deployedAt: running?.live.deployedAt,
        callsInFlight: callsInFlight - streamsInFlight,
        streamsOpen: streamsInFlight,
        callsWaiting,
        methods,
        methodStats: methodStats(meter, windowMs),
        instances: running === undefined ? [] : instancesOf(running),
        failing: running?.failing,
        ...trafficStats(sumTraffic(meter === undefined ? [] : [meter]), windowMs),
        ...recentRates(recent, place, name),
        series: await seriesOf(parts, { place, service: name, minutes: since }),
      };
    },
  ),
};

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

function foundService(
  { fleet, meters, recent, clock }: OverviewParts,
  { environment: place, service: name, live }: ServiceRoute,
): FoundService {
  const running = fleet.service(place, name);
  const meter = meters.services.find(place, name);
  const isCalled = meter?.hasRecent === true;
  return {
    service: name,
    description: running?.live.leverJson.description ?? "",
    version: live.version,
    instances: running?.instances.length ?? 0,
    isFailing: running?.failing !== undefined,
    ...(isCalled ? recentRates(recent, place, name) : NO_RATES),
    p95Ms: () =>
      isCalled ? trafficStats(sumTraffic([meter]), meters.windowMs(clock.now())).p95Ms : null,
  };
}

const NO_RATES = { callsPerSecond: 0, errorsPerSecond: 0 };

function rowOf(
  { router, fleet, meters, recent, clock }: OverviewParts,
  place: string,
  name: string,
): ServiceRow {
  const running = fleet.service(place, name);
  const live = router.environment(place)?.services.get(name)?.live;
  const meter = meters.services.find(place, name);
  const points = recent.points(place, name);
  return {
    service: name,
    description: running?.live.leverJson.description ?? "",
    private: live?.isPrivate ?? false,
    version: live?.version ?? 0,
    instances: running?.instances.length ?? 0,
    ...trafficStats(sumTraffic(meter === undefined ? [] : [meter]), meters.windowMs(clock.now())),
    ...recentRates(recent, place, name),
    failing: running?.failing?.reason,
    recent: points?.map(({ calls }) => calls / (POINT_MS / 1_000)),
  };
}

function instancesOf(of: ServiceFleet): InstanceDetails[] {
  return of.instances.flatMap((instance) =>
    statusOf(instance, of).map((status) => ({
      ...status,
      cpuSeconds: instance.runtime.cpuSeconds,
    })),
  );
}

/** Without `minutes`, the last five in short steps. */
async function seriesOf(
  { recent, history, clock }: OverviewParts,
  about: { readonly place: string; readonly service?: string; readonly minutes: number },
): Promise<TrafficSeries> {
  const { place, service: only, minutes: since } = about;
  if (since === 0) return recentSeries(recent, place, only);
  const to = clock.wallTime();
  const from = to - since * MINUTE_MS;
  const points = (await history.since(from)).flatMap(({ at, services }) => {
    const names = only === undefined ? Object.keys(services) : [`${place}/${only}`];
    return names.flatMap((key): TimedPoint[] => {
      const point = services[key];
      return point === undefined || !key.startsWith(`${place}/`) ? [] : [{ at, point }];
    });
  });
  const max = HISTORY_POINTS_MAX;
  const merged: readonly StatsPoint[] = mergePoints(points, { from, to, max });
  return historySeries(merged, { from, to, max });
}
