import { serviceKey } from "@leveros/protocol";
import { OTHER, type ServiceMeter } from "../metrics/service-meter.ts";
import type { ServiceMeters } from "../metrics/service-meters.ts";
import { sumTraffic, type Traffic } from "../metrics/traffic.ts";
import type { MinutePoint } from "./history-line.ts";

/** A service with instances, or with calls that wait. */
export interface ObservedService {
  readonly environment: string;
  readonly service: string;
  readonly callsWaiting: number;
  readonly instances: number;
  readonly memoryBytes: number;
  /** Processor time so far. */
  readonly cpuSeconds: number;
}

export interface Observation {
  readonly services: readonly ObservedService[];
  /** The host's own process. */
  readonly memoryBytes: number;
  readonly cpuSeconds: number;
}

/** Services of one minute that have points of their own; the others of an environment share one. */
const SERVICES_MAX = 100;

const NO_TRAFFIC: Traffic = { calls: 0, errors: 0, p50Ms: null, p95Ms: null, p99Ms: null };

/** Makes the points of a minute. It keeps what it needs to find the processor time within the next one. */
export class ServiceMinutes {
  #cpuSeconds: ReadonlyMap<string, number> = new Map();
  #hostCpuSeconds: number | undefined;

  hostPoint(traffic: Traffic, { services, memoryBytes, cpuSeconds }: Observation): MinutePoint {
    const before = this.#hostCpuSeconds ?? 0;
    this.#hostCpuSeconds = cpuSeconds;
    return {
      ...traffic,
      callsWaiting: services.reduce((sum, { callsWaiting }) => sum + callsWaiting, 0),
      instances: services.reduce((sum, { instances }) => sum + instances, 0),
      memoryBytes,
      cpuSeconds: cpuSeconds - before,
    };
  }

  /** The points of services that had calls or instances, by `environment/service`. */
  servicePoints(
    meters: ServiceMeters,
    { services }: Observation,
  ): Readonly<Record<string, MinutePoint>> {
    const observed = new Map(services.map((of) => [keyOf(of), of]));
    const called = meters.all().filter(({ hasRecent }) => hasRecent);
    const counted = new Map(called.map((meter) => [keyOf(meter), meter]));
    const points = [...new Set([...observed.keys(), ...counted.keys()])].map(
      (key) => [key, this.#point(key, observed.get(key), counted.get(key))] as const,
    );
    this.#cpuSeconds = new Map(services.map((of) => [keyOf(of), of.cpuSeconds]));
    return bounded(points.filter(([, point]) => point.calls > 0 || point.instances > 0));
  }

  #point(
    key: string,
    observed: ObservedService | undefined,
    meter: ServiceMeter | undefined,
  ): MinutePoint {
    const { callsWaiting = 0, instances = 0, memoryBytes = 0, cpuSeconds = 0 } = observed ?? {};
    return {
      ...(meter === undefined ? NO_TRAFFIC : sumTraffic([meter])),
      callsWaiting,
      instances,
      memoryBytes,
      // Less than before: instances that were counted then have exited.
      cpuSeconds: Math.max(0, cpuSeconds - (this.#cpuSeconds.get(key) ?? 0)),
    };
  }
}

/** Adds those with the fewest calls, and the least memory, up. */
function bounded(
  points: readonly (readonly [key: string, point: MinutePoint])[],
): Readonly<Record<string, MinutePoint>> {
  if (points.length <= SERVICES_MAX) return Object.fromEntries(points);
  const sorted = points.toSorted(
    ([, a], [, b]) => b.calls - a.calls || b.memoryBytes - a.memoryBytes,
  );
  const kept = new Map(sorted.slice(0, SERVICES_MAX));
  for (const [key, point] of sorted.slice(SERVICES_MAX)) {
    const other = `${key.slice(0, key.indexOf("/"))}/${OTHER}`;
    kept.set(other, added(kept.get(other), point));
  }
  return Object.fromEntries(kept);
}

/** Percentiles cannot be added: the greater ones stay. */
function added(one: MinutePoint | undefined, other: MinutePoint): MinutePoint {
  if (one === undefined) return other;
  return {
    calls: one.calls + other.calls,
    errors: one.errors + other.errors,
    p50Ms: greater(one.p50Ms, other.p50Ms),
    p95Ms: greater(one.p95Ms, other.p95Ms),
    p99Ms: greater(one.p99Ms, other.p99Ms),
    callsWaiting: one.callsWaiting + other.callsWaiting,
    instances: one.instances + other.instances,
    memoryBytes: one.memoryBytes + other.memoryBytes,
    cpuSeconds: one.cpuSeconds + other.cpuSeconds,
  };
}

export function greater(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other;
  return Math.max(one, other);
}

function keyOf({ environment, service }: { environment: string; service: string }): string {
  return serviceKey(environment, service);
}
