import { serviceKey } from "@leveros/protocol";
import { OTHER, type ServiceMeter } from "../metrics/service-meter.ts";
import { sumTraffic, type Traffic, TrafficSum } from "../metrics/traffic.ts";
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
const NO_INSTANCES = { callsWaiting: 0, instances: 0, memoryBytes: 0, cpuSeconds: 0 } as const;

/** Makes the points of minutes. It keeps what it needs to find the processor time within the next one. */
export class ServiceMinutes {
  #cpuSeconds: ReadonlyMap<string, number> = new Map();
  #hostCpuSeconds = 0;

  /** Begins a minute with what has instances or waiting calls at its end. */
  begin(observed: Observation): OpenMinute {
    const before = { cpuSeconds: this.#cpuSeconds, hostCpuSeconds: this.#hostCpuSeconds };
    this.#cpuSeconds = new Map(observed.services.map((of) => [keyOf(of), of.cpuSeconds]));
    this.#hostCpuSeconds = observed.cpuSeconds;
    return new OpenMinute(observed, before);
  }
}

interface CpuSecondsBefore {
  readonly cpuSeconds: ReadonlyMap<string, number>;
  readonly hostCpuSeconds: number;
}

/** A minute to which services are added, one after the other. */
class OpenMinute {
  readonly #observed: Observation;
  readonly #before: CpuSecondsBefore;
  readonly #all = new TrafficSum();
  readonly #points = new Map<string, MinutePoint>();

  constructor(observed: Observation, before: CpuSecondsBefore) {
    this.#observed = observed;
    this.#before = before;
    for (const of of observed.services) this.#points.set(keyOf(of), this.#point(of));
  }

  /** The calls of a service. */
  add(meter: ServiceMeter): void {
    if (!meter.hasRecent) return;
    this.#all.addService(meter);
    const key = keyOf(meter);
    this.#points.set(key, { ...(this.#points.get(key) ?? NO_INSTANCES), ...sumTraffic([meter]) });
  }

  get host(): MinutePoint {
    const { services, memoryBytes, cpuSeconds } = this.#observed;
    return {
      ...this.#all.traffic,
      callsWaiting: services.reduce((sum, { callsWaiting }) => sum + callsWaiting, 0),
      instances: services.reduce((sum, { instances }) => sum + instances, 0),
      memoryBytes,
      cpuSeconds: cpuSeconds - this.#before.hostCpuSeconds,
    };
  }

  /** The points of services that had calls or instances, by `environment/service`. */
  get services(): Readonly<Record<string, MinutePoint>> {
    return bounded(
      [...this.#points].filter(([, { calls, instances }]) => calls > 0 || instances > 0),
    );
  }

  #point(of: ObservedService): MinutePoint {
    const { callsWaiting, instances, memoryBytes, cpuSeconds } = of;
    const before = this.#before.cpuSeconds.get(keyOf(of)) ?? 0;
    return {
      ...NO_TRAFFIC,
      callsWaiting,
      instances,
      memoryBytes,
      // Less than before: instances that were counted then have exited.
      cpuSeconds: Math.max(0, cpuSeconds - before),
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
