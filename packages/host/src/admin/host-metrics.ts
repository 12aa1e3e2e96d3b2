import { readdir } from "node:fs/promises";
import type { InstanceState } from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { Instance } from "../fleet/instance.ts";
import type { ServiceFleet } from "../fleet/service-fleet.ts";
import type { WarmPool } from "../launcher/warm-pool.ts";
import { serviceMetrics } from "../metrics/call-metrics.ts";
import { Counts } from "../metrics/counts.ts";
import { metricTable } from "../metrics/descriptions.ts";
import type { NamedCounts } from "../metrics/gateway-meter.ts";
import { deployPhases, type HostMeters } from "../metrics/host-meters.ts";
import { labelsText } from "../metrics/labels.ts";
import { OTHER } from "../metrics/service-meter.ts";
import type { ServiceMeters } from "../metrics/service-meters.ts";
import type { Description, Metric, Sample } from "../metrics/text-format.ts";
import type { BusyTime } from "../processes/busy-time.ts";
import type { Router } from "../router/router.ts";
import type { ServiceRoute } from "../router/service-route.ts";

export interface MetricSources {
  readonly clock: Clock;
  readonly router: Router;
  readonly fleet: Fleet;
  readonly pool: WarmPool;
  readonly meters: HostMeters;
  readonly busyTime: BusyTime;
  readonly version: string;
  /** When the process has started, by the wall clock. */
  readonly startedAt: number;
  /** Counts of the gateways: one in the host's process, or one in each worker. */
  readonly gateways: () => readonly NamedCounts[];
}

const MEGABYTE = 1e6;

/** The metrics of an environment's services. */
export function environmentMetrics(
  { fleet, meters: { services } }: MetricSources,
  environment: string,
  routes: readonly ServiceRoute[],
): Metric[] {
  const counted = services.allForReading().filter((meter) => meter.environment === environment);
  return [
    ...serviceMetrics(counted),
    ...routeMetrics(routes, services),
    ...instanceMetrics(fleetsOf(fleet, routes), services),
  ];
}

/** Metrics of each instance, for callers who ask for them: their labels are new with each instance. */
export function singleInstanceMetrics(
  { fleet, clock }: Pick<MetricSources, "fleet" | "clock">,
  routes: readonly ServiceRoute[],
): Metric[] {
  const all = [...fleetsOf(fleet, routes)].flatMap(({ instances }) => [...instances]);
  const metric = (description: Description, numberOf: (of: Instance) => number): Metric => ({
    ...description,
    *samples() {
      for (const one of all) {
        const { environment, service, instance } = one.spec;
        yield [labelsText({ environment, service, instance }), numberOf(one)];
      }
    },
  });
  const now = clock.now();
  return [
    metric(metricTable.instanceMemory, ({ runtime }) => runtime.memoryBytes),
    metric(metricTable.instanceCpu, ({ runtime }) => runtime.cpuSeconds ?? 0),
    metric(metricTable.instanceCalls, ({ target }) => target.callsInFlight),
    metric(metricTable.instanceAge, ({ launchedAt }) => (now - launchedAt) / 1_000),
  ];
}

/** All metrics of a host. */
export async function hostMetrics(sources: MetricSources): Promise<Metric[]> {
  const { router, fleet, meters } = sources;
  const routes = routesOf(router);
  const openFiles = await readdir("/proc/self/fd").catch(() => []);
  return [
    ...serviceMetrics(meters.services.allForReading()),
    ...routeMetrics(routes, meters.services),
    ...instanceMetrics(fleetsOf(fleet, routes), meters.services),
    ...ownMetrics(sources, openFiles.length),
  ];
}

/** The services of all environments. */
export const routesOf = (router: Router): readonly ServiceRoute[] =>
  [...router.environments.values()].flatMap((of) => [...of.services.values()]);

/** They are looked up one at a time: to find those of 10,000 services takes milliseconds. */
function fleetsOf(fleet: Fleet, routes: readonly ServiceRoute[]): Iterable<ServiceFleet> {
  return {
    *[Symbol.iterator]() {
      for (const { environment, service } of routes) {
        const found = fleet.service(environment, service);
        // The admin service has a route, and no fleet.
        if (found !== undefined) yield found;
      }
    },
  };
}

type Values<Of> = (of: Of) => Iterable<readonly [labels: string, value: number]>;

/** Adds up the values of services without series of their own as `_other`. */
function byService<Of>(
  all: Iterable<Of>,
  routeOf: (of: Of) => ServiceRoute,
  meters: ServiceMeters,
): (
  description: Description,
  valuesOf: Values<Of>,
  others?: Iterable<readonly [labels: string, value: number]>,
) => Metric {
  return (description, valuesOf, initial = []) => ({
    ...description,
    *samples() {
      const others = new Map(initial);
      for (const one of all) {
        yield undefined;
        const { environment, service } = routeOf(one);
        const labels = meters.find(environment, service)?.labels;
        for (const [more, value] of valuesOf(one)) {
          if (labels !== undefined) yield [labels + more, value];
          else if (value !== 0) {
            const of = meters.other(environment).labels + more;
            others.set(of, (others.get(of) ?? 0) + value);
          }
        }
      }
      yield* others;
    },
  });
}

function routeMetrics(routes: readonly ServiceRoute[], meters: ServiceMeters): Metric[] {
  const gauge = byService(routes, (route) => route, meters);
  return [
    gauge(metricTable.callsInFlight, (of) => [["", of.callsInFlight - of.streamsInFlight]]),
    gauge(metricTable.streamsOpen, (of) => [["", of.streamsInFlight]]),
    gauge(metricTable.callsWaiting, (of) => [["", of.callsWaiting]]),
    gauge(metricTable.callsWaitingBytes, (of) => [["", of.bytesWaiting]]),
    gauge(metricTable.resources, (of) => (of.resources === 0 ? [] : [["", of.resources]])),
  ];
}

function instanceMetrics(all: Iterable<ServiceFleet>, meters: ServiceMeters): Metric[] {
  const metric = byService(all, ({ route }) => route, meters);
  return [
    metric(metricTable.instances, function* ({ instances }) {
      const counts = new Map<InstanceState, number>([["ready", 0]]);
      for (const { status } of instances) counts.set(status, (counts.get(status) ?? 0) + 1);
      for (const [state, count] of counts) yield [`,state="${state}"`, count];
    }),
    metric(metricTable.instancesWanted, ({ wanted }) => [["", wanted]]),
    metric(metricTable.serviceMemory, ({ instances }) => [
      ["", sum(instances, ({ runtime }) => runtime.memoryBytes)],
    ]),
    metric(metricTable.serviceMemoryLimit, ({ instances }) => [
      ["", sum(instances, ({ spec }) => spec.ram * MEGABYTE)],
    ]),
    metric(
      metricTable.serviceCpu,
      ({ instances, route: { environment, service } }) => {
        const past = meters.find(environment, service)?.pastCpuSeconds ?? 0;
        return [["", past + sum(instances, ({ runtime }) => runtime.cpuSeconds ?? 0)]];
      },
      meters
        .all()
        .flatMap(({ service, labels, pastCpuSeconds }) =>
          service === OTHER && pastCpuSeconds > 0 ? [[labels, pastCpuSeconds] as const] : [],
        ),
    ),
  ];
}

function ownMetrics(
  { fleet, pool, meters, gateways, busyTime, version, startedAt }: MetricSources,
  openFiles: number,
): Metric[] {
  const counts = gateways();
  const { reserved, max } = fleet.ram;
  const { user, system } = process.cpuUsage();
  const { socketIn, socketOut, sharedIn, sharedOut } = meters.linkBytes;
  return [
    samples(metricTable.instancePing, [["", meters.pings]]),
    samples(metricTable.linkBytes, [
      [`way="socket",direction="in"`, socketIn],
      [`way="socket",direction="out"`, socketOut],
      [`way="shared",direction="in"`, sharedIn],
      [`way="shared",direction="out"`, sharedOut],
    ]),
    samples(metricTable.refusals, refusalSamples(meters, counts)),
    samples(
      metricTable.gatewayConnections,
      counts.map(([worker, { connections }]) => [`worker="${worker}"`, connections]),
    ),
    samples(
      metricTable.gatewayRequests,
      counts.flatMap(([worker, { requests }]) =>
        requests.map(
          ([protocol, count]): Sample => [`worker="${worker}",protocol="${protocol}"`, count],
        ),
      ),
    ),
    samples(
      metricTable.gatewayBodyBytes,
      counts.map(([worker, { bodyBytes }]) => [`worker="${worker}"`, bodyBytes]),
    ),
    single(metricTable.workers, counts.length),
    single(metricTable.workerExits, meters.workerExits),
    samples(metricTable.deploys, [...meters.deploys]),
    samples(
      metricTable.deploy,
      deployPhases.map((phase): Sample => [`phase="${phase}"`, meters.deployPhases[phase]]),
    ),
    single(metricTable.warmRuntimes, pool.ready),
    single(metricTable.warmRuntimesWanted, pool.wanted),
    single(metricTable.ramAllotted, reserved * MEGABYTE),
    single(metricTable.ramMax, max * MEGABYTE),
    samples(metricTable.eventLoopBusy, [
      [`process="host"`, busyTime.next()],
      ...counts.flatMap(([worker, { busyRatio }]): Sample[] =>
        busyRatio === undefined ? [] : [[`process="${worker}"`, busyRatio]],
      ),
    ]),
    samples(metricTable.buildInfo, [[labelsText({ version, node: process.version }), 1]]),
    single(metricTable.processStart, startedAt / 1_000),
    single(metricTable.processCpu, (user + system) / 1e6),
    single(metricTable.processMemory, process.memoryUsage.rss()),
    single(metricTable.processFds, openFiles),
  ];
}

/** Adds up the refusals of the gateways and of the router, which checks what comes in without a gateway as well. */
function refusalSamples(meters: HostMeters, counts: readonly NamedCounts[]): Sample[] {
  const total = new Counts();
  total.addAll(meters.refusals);
  for (const [, { refusals }] of counts) total.addAll(refusals);
  return [...total].map(([code, count]) => [`code="${code}"`, count]);
}

function samples(description: Description, values: readonly Sample[]): Metric {
  return { ...description, samples: () => values };
}

const single = (description: Description, value: number): Metric =>
  samples(description, [["", value]]);

const sum = <Of>(all: readonly Of[], numberOf: (of: Of) => number): number =>
  all.reduce((total, one) => total + numberOf(one), 0);
