import { serviceKey } from "@leveros/protocol";
import type { MethodMeter } from "./method-meter.ts";
import { OTHER, ServiceMeter } from "./service-meter.ts";

/** Names of methods that are counted for a service whose methods are not known, so that callers choose the names. */
const UNKNOWN_METHODS_MAX = 50;
/** A service without a call for so long gives its place to others when places are scarce. */
const UNUSED_MS = 600_000;
/** Places are scarce when fewer than a quarter are free; then half of them are freed. */
const SCARCE_FROM = 0.75;
const KEPT = 0.5;

/**
 * The meters of all services.
 *
 * - M1. A call is counted once, whatever ends it.
 * - M2. At most `seriesMax` services and at most so many methods have meters of their own. All others are counted together, as
 *   `_other`, so sums are complete.
 */
export class ServiceMeters {
  readonly #seriesMax: number;
  readonly #services = new Map<string, ServiceMeter>();
  /** By environment. */
  readonly #others = new Map<string, ServiceMeter>();
  #methods = 0;
  /** Changes when services lose their meters: one that was found before may no longer count. From 1 on. */
  #generation = 1;

  /** `seriesMax` 0 = nothing is counted by service. */
  constructor(seriesMax: number) {
    this.#seriesMax = seriesMax;
  }

  get generation(): number {
    return this.#generation;
  }

  /** The meter that counts for a service from now until `generation` changes: its own, or the common one. */
  of(environment: string, service: string): ServiceMeter {
    const known = this.find(environment, service);
    if (known !== undefined) return known;
    if (this.#services.size >= this.#seriesMax || this.#methods >= this.#seriesMax) {
      return this.other(environment);
    }
    const meter = new ServiceMeter(environment, service);
    this.#services.set(serviceKey(environment, service), meter);
    return meter;
  }

  /** The meter that a service has of its own. */
  find(environment: string, service: string): ServiceMeter | undefined {
    return this.#services.get(serviceKey(environment, service));
  }

  /** The meter for an environment's services without one of their own. */
  other(environment: string): ServiceMeter {
    let other = this.#others.get(environment);
    if (other === undefined) {
      other = new ServiceMeter(environment, OTHER);
      this.#others.set(environment, other);
    }
    return other;
  }

  /** The meter of a method. `isKnown`: the service has told its methods, and this is one of them. */
  method(
    service: ServiceMeter,
    method: string,
    options: { readonly isStream: boolean; readonly isKnown: boolean },
  ): MethodMeter {
    const { isStream, isKnown } = options;
    const known = service.methods.get(method);
    if (known !== undefined) return known;
    if (service.service === OTHER) return service.otherMethod(isStream);
    const hasPlace =
      this.#methods < this.#seriesMax && (isKnown || service.methods.size < UNKNOWN_METHODS_MAX);
    if (!hasPlace) return service.otherMethod(isStream);
    this.#methods++;
    return service.addMethod(method, isStream);
  }

  /** All meters: those of services, and then the common ones. */
  all(): readonly ServiceMeter[] {
    return [...this.#services.values(), ...this.#others.values()];
  }

  /** The common ones come first, for readers that take their time: what is moved to them meanwhile is not read twice. */
  allForReading(): readonly ServiceMeter[] {
    return [...this.#others.values(), ...this.#services.values()];
  }

  /** M2. Frees places that have not been used for long, when they are scarce. `now`: by the host's clock. */
  freePlaces(now: number): void {
    const isScarce = (share: number): boolean =>
      Math.max(this.#methods, this.#services.size) > this.#seriesMax * share;
    if (!isScarce(SCARCE_FROM)) return;
    const unused = [...this.#services.values()]
      .filter(({ lastUsedAt }) => now - lastUsedAt > UNUSED_MS)
      .sort((a, b) => a.lastUsedAt - b.lastUsedAt);
    for (const meter of unused) {
      if (!isScarce(KEPT)) break;
      this.remove(meter);
    }
  }

  /** Counts what a service has counted so far with the others of its environment. */
  remove(meter: ServiceMeter): void {
    this.#services.delete(serviceKey(meter.environment, meter.service));
    this.#methods -= meter.methods.size;
    this.other(meter.environment).add(meter);
    this.#generation++;
  }
}
