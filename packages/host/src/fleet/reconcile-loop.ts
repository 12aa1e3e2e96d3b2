import type { Limits } from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import { HealthTicker } from "../processes/process-health.ts";

/** Time between two reconciliations of a service with instances, unless a limit requires shorter ones. */
const TICK_MS = 1_000;
const TICK_MS_MIN = 20;
/** Time between two health checks: short enough for an unresponsive instance to be found within a second. */
const HEALTH_TICK_MS = 200;
/** Services at zero whose past decisions are kept: those that were used last. */
const IDLE_HISTORIES_MAX = 256;

export type LoopLimits = Pick<
  Limits,
  "idleTimeoutMs" | "scaleDownAfterMs" | "resourceIdleTimeoutMs"
>;

/** A service as the loop sees it. */
export interface LoopedService {
  readonly route: { closeIdleResources(): void; releaseUnused(): void };
  reconcile(): void;
  checkHealth(hostStallMs: number): void;
  forgetHistory(): void;
}

/** Reconciles the services that have instances or failures, so that services at zero cost no time. */
export class ReconcileLoop<Service extends LoopedService> {
  readonly #clock: Clock;
  readonly #tickMs: number;
  readonly #active = new Set<Service>();
  /** Services at zero with a history, the one that has been idle longest first. */
  readonly #idleWithHistory = new Set<Service>();
  readonly #healthTicker: HealthTicker;
  #timer: unknown;

  constructor(clock: Clock, limits: LoopLimits) {
    const { idleTimeoutMs, scaleDownAfterMs, resourceIdleTimeoutMs } = limits;
    const shortestMs = Math.min(idleTimeoutMs, scaleDownAfterMs, resourceIdleTimeoutMs);
    this.#clock = clock;
    this.#tickMs = Math.max(TICK_MS_MIN, Math.min(TICK_MS, shortestMs / 4));
    this.#tick();
    this.#healthTicker = new HealthTicker(clock, HEALTH_TICK_MS, (hostStallMs) => {
      for (const service of this.#active) service.checkHealth(hostStallMs);
    });
  }

  get active(): Iterable<Service> {
    return this.#active;
  }

  markActive(service: Service): void {
    this.#active.add(service);
    this.#idleWithHistory.delete(service);
  }

  markIdle(service: Service): void {
    this.#active.delete(service);
    service.route.releaseUnused();
    this.#idleWithHistory.add(service);
    const [oldest] = this.#idleWithHistory;
    if (oldest === undefined || this.#idleWithHistory.size <= IDLE_HISTORIES_MAX) return;
    this.#idleWithHistory.delete(oldest);
    oldest.forgetHistory();
  }

  remove(service: Service): void {
    this.#active.delete(service);
    this.#idleWithHistory.delete(service);
  }

  stop(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#healthTicker.stop();
  }

  #tick(): void {
    for (const service of this.#active) {
      service.route.closeIdleResources();
      service.reconcile();
    }
    this.#timer = this.#clock.setTimeout(() => this.#tick(), this.#tickMs);
  }
}
