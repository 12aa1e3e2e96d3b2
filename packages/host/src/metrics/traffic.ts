import { BUCKETS, percentileMs } from "./histogram.ts";
import type { MethodMeter } from "./method-meter.ts";
import { outcomeNames, outcomes } from "./outcome.ts";
import type { ServiceMeter } from "./service-meter.ts";

/** Calls within a window of time. */
export interface Traffic {
  readonly calls: number;
  /** Calls that did not end well, apart from those whose caller has left. */
  readonly errors: number;
  /** Percentiles of their durations; null = there were no calls. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
}

/** Adds up the recent calls of methods. Durations of streams count only where there is nothing but streams. */
export class TrafficSum {
  readonly #calls = new Float64Array(outcomeNames.length);
  readonly #regular = new Float64Array(BUCKETS);
  readonly #streams = new Float64Array(BUCKETS);

  add(meter: MethodMeter): void {
    meter.addRecentTo(this.#calls, meter.isStream ? this.#streams : this.#regular);
  }

  addService({ allMethods }: ServiceMeter): void {
    for (const method of allMethods) this.add(method);
  }

  get traffic(): Traffic {
    const calls = this.#calls.reduce((sum, count) => sum + count, 0);
    const well = (this.#calls[outcomes.ok] ?? 0) + (this.#calls[outcomes.cancelled] ?? 0);
    const hasRegular = this.#regular.some((count) => count > 0);
    const durations = hasRegular ? this.#regular : this.#streams;
    return {
      calls,
      errors: calls - well,
      p50Ms: percentileMs(durations, 0.5) ?? null,
      p95Ms: percentileMs(durations, 0.95) ?? null,
      p99Ms: percentileMs(durations, 0.99) ?? null,
    };
  }
}

export function methodTraffic(meter: MethodMeter): Traffic {
  const sum = new TrafficSum();
  sum.add(meter);
  return sum.traffic;
}

/** The traffic of several services together. */
export function sumTraffic(services: Iterable<ServiceMeter>): Traffic {
  const sum = new TrafficSum();
  for (const service of services) sum.addService(service);
  return sum.traffic;
}
