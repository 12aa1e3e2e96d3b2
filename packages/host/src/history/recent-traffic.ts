import type { Clock } from "../clock.ts";
import { BUCKETS, percentileMs } from "../metrics/histogram.ts";
import { outcomeNames, outcomes } from "../metrics/outcome.ts";
import type { ServiceMeter } from "../metrics/service-meter.ts";
import type { ServiceMeters } from "../metrics/service-meters.ts";

/** The time of one point, and the number of points that are kept: five minutes. */
export const POINT_MS = 5_000;
export const POINTS = 60;

const OUTCOMES = outcomeNames.length;
const STREAMS = OUTCOMES + BUCKETS;
/** Calls by outcome, then durations of regular calls by bucket, then those of streams. */
const SUMS = STREAMS + BUCKETS;
/** Calls, errors, and three percentiles. */
const FIELDS = 5;

/** The calls that ended within a few seconds. Percentiles are null when there were none. */
export interface RecentPoint {
  readonly calls: number;
  readonly errors: number;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
}

export const NO_CALLS: RecentPoint = { calls: 0, errors: 0, p50Ms: null, p95Ms: null, p99Ms: null };

/** The last points of a service or an environment, in the order of a ring. */
class Ring {
  readonly #numbers = new Float32Array(POINTS * FIELDS);
  /** When the last call was counted, in ticks. */
  lastTick = 0;

  set(tick: number, counts: ArrayLike<number>): void {
    const at = (tick % POINTS) * FIELDS;
    this.#numbers.set(numbersOf(counts), at);
    this.lastTick = tick;
  }

  /** The ticks since the last call had none. */
  clear(tick: number): void {
    this.#numbers.fill(0, (tick % POINTS) * FIELDS, ((tick % POINTS) + 1) * FIELDS);
  }

  point(tick: number): RecentPoint {
    const at = (tick % POINTS) * FIELDS;
    const [calls = 0, errors = 0, ...percentiles] = this.#numbers.subarray(at, at + FIELDS);
    if (calls === 0) return NO_CALLS;
    const [p50Ms = null, p95Ms = null, p99Ms = null] = percentiles;
    return { calls, errors, p50Ms, p95Ms, p99Ms };
  }
}

/** The counts of a meter at the last tick, each modulo 2³². Differences of them are right. */
interface Counted {
  sums: Uint32Array;
  calls: number;
  /** undefined = there were no calls within the time that is kept. */
  ring: Ring | undefined;
}

/** The calls of the last five minutes, in points of five seconds: of each service with a meter, and of each environment. */
export class RecentTraffic {
  readonly #meters: Pick<ServiceMeters, "all" | "find">;
  readonly #clock: Clock;
  readonly #services = new WeakMap<ServiceMeter, Counted>();
  readonly #environments = new Map<string, Ring>();
  #tick = 0;
  /** The end of the last point, in milliseconds since 1970. */
  #endedAt: number;
  #timer: unknown;

  constructor(meters: Pick<ServiceMeters, "all" | "find">, clock: Clock) {
    this.#meters = meters;
    this.#clock = clock;
    this.#endedAt = clock.wallTime();
  }

  start(): void {
    this.#timer = this.#clock.setTimeout(() => {
      this.start();
      this.#count();
    }, POINT_MS);
  }

  close(): void {
    this.#clock.clearTimeout(this.#timer);
  }

  get endedAt(): number {
    return this.#endedAt;
  }

  /** The points of a service, oldest first; without a service, those of its environment. undefined = all are without calls. */
  points(environment: string, service?: string): readonly RecentPoint[] | undefined {
    const ring =
      service === undefined
        ? this.#environments.get(environment)
        : this.#ringOf(this.#meters.find(environment, service));
    if (ring === undefined) return undefined;
    return Array.from({ length: POINTS }, (_, index) => {
      const tick = this.#tick - POINTS + 1 + index;
      return tick < 0 ? NO_CALLS : ring.point(tick);
    });
  }

  #ringOf(meter: ServiceMeter | undefined): Ring | undefined {
    return meter && this.#services.get(meter)?.ring;
  }

  #count(): void {
    const tick = ++this.#tick;
    this.#endedAt = this.#clock.wallTime();
    const environments = new Map<string, Float64Array>();
    for (const meter of this.#meters.all()) {
      const counts = this.#countService(meter, tick);
      if (counts === undefined) continue;
      const sum = environments.get(meter.environment) ?? new Float64Array(SUMS);
      for (let index = 0; index < SUMS; index++) {
        sum[index] = (sum[index] ?? 0) + (counts[index] ?? 0);
      }
      environments.set(meter.environment, sum);
    }
    for (const [name, ring] of this.#environments) {
      if (tick - ring.lastTick >= POINTS) this.#environments.delete(name);
      else ring.clear(tick);
    }
    for (const [name, counts] of environments) {
      let ring = this.#environments.get(name);
      if (ring === undefined) {
        ring = new Ring();
        this.#environments.set(name, ring);
      }
      ring.set(tick, counts);
    }
  }

  /** The calls since the last tick; undefined = there were none. */
  #countService(meter: ServiceMeter, tick: number): Uint32Array | undefined {
    const before = this.#services.get(meter);
    const calls = callsOf(meter);
    if (calls === (before?.calls ?? 0)) {
      if (before?.ring === undefined) return undefined;
      if (tick - before.ring.lastTick >= POINTS) before.ring = undefined;
      else before.ring.clear(tick);
      return undefined;
    }
    const sums = sumsOf(meter);
    const counts = sums.map((sum, index) => sum - (before?.sums[index] ?? 0));
    const ring = before?.ring ?? new Ring();
    ring.set(tick, counts);
    this.#services.set(meter, { sums, calls, ring });
    return counts;
  }
}

function callsOf(meter: ServiceMeter): number {
  let sum = 0;
  for (const { calls } of meter.allMethods) for (const count of calls) sum += count;
  return sum;
}

function sumsOf(meter: ServiceMeter): Uint32Array {
  const sums = new Uint32Array(SUMS);
  for (const { calls, durations, isStream } of meter.allMethods) {
    for (let index = 0; index < OUTCOMES; index++) {
      sums[index] = (sums[index] ?? 0) + (calls[index] ?? 0);
    }
    const from = isStream ? STREAMS : OUTCOMES;
    for (let index = 0; index < BUCKETS; index++) {
      sums[from + index] = (sums[from + index] ?? 0) + (durations.counts[index] ?? 0);
    }
  }
  return sums;
}

/** The fields of a point. Durations of streams count only where there is nothing but streams. */
function numbersOf(counts: ArrayLike<number>): number[] {
  const all = Array.from(counts);
  const calls = all.slice(0, OUTCOMES).reduce((sum, count) => sum + count, 0);
  const well = (all[outcomes.ok] ?? 0) + (all[outcomes.cancelled] ?? 0);
  const regular = all.slice(OUTCOMES, STREAMS);
  const durations = regular.some((count) => count > 0) ? regular : all.slice(STREAMS);
  const percentiles = [0.5, 0.95, 0.99].map((share) => percentileMs(durations, share) ?? 0);
  return [calls, calls - well, ...percentiles];
}
