import {
  type InstanceState,
  LeverError,
  type Limits,
  type ScalingRecord,
  type ScalingReport,
} from "@leveros/protocol";
import type { decideInstances, RecentNeeds } from "../autoscaler/decide-instances.ts";
import type { Clock } from "../clock.ts";
import { restartDelayMs } from "../processes/restart-backoff.ts";
import type { InstanceTarget, ServiceRoute } from "../router/service-route.ts";
import type { VersionRecord } from "../store/store.ts";
import type { Instance } from "./instance.ts";
import { instanceStatus } from "./instance-status.ts";

/** An instance that lives this long, or has answered a call, has started well: a later failure is none in a row. */
const HEALTHY_AFTER_MS = 10_000;
const RECORDS_MAX = 20;
/** One array for all. */
const NO_RECORDS: readonly ScalingRecord[] = [];

/** What the services of one host share. */
export interface FleetContext {
  readonly clock: Clock;
  readonly limits: Limits;
  readonly isClosing: boolean;
  readonly decide: typeof decideInstances;
  start(record: VersionRecord): Promise<Instance>;
  /**
   * False = there is no memory for another instance now. One that is needed then gets room as soon as there is some:
   * the service is asked again.
   */
  hasRoomFor(service: ServiceFleet, options: { isNeeded: boolean }): boolean;
  /** The service is looked at from now on, until it has nothing left. */
  markActive(service: ServiceFleet): void;
  markIdle(service: ServiceFleet): void;
}

/** One service's live version, and the instances that run for it. */
export class ServiceFleet {
  readonly route: ServiceRoute;
  live: VersionRecord;
  /** Of every version, until their processes have ended. An array, since one that is empty costs nothing. */
  instances: readonly Instance[] = [];
  #records: readonly ScalingRecord[] = NO_RECORDS;
  #lastError: LeverError | undefined;
  readonly #context: FleetContext;
  /** Being prepared, not yet an instance. */
  #starting = 0;
  /** Those that get no new calls, and stop when their last call is over, or at this moment all the same. */
  #draining: Map<Instance, number> | undefined;
  #recent: RecentNeeds = [];
  /** Grows with each deploy, and when what instances see has changed: those of an earlier one are to leave. */
  #generation = 0;
  #failuresInARow = 0;
  /** No start before this moment. */
  #notBefore = 0;
  #retry: unknown;
  #isClosed = false;
  #blockedBy: ScalingRecord["blockedBy"] = null;
  #last: ScalingRecord | undefined;

  constructor(live: VersionRecord, route: ServiceRoute, context: FleetContext) {
    this.live = live;
    this.route = route;
    this.#context = context;
  }

  /** The version is the live one from now on; the others' instances hand over what they have, and leave. */
  goLive(record: VersionRecord, candidate: Instance | undefined): void {
    const { clock, limits } = this.#context;
    const now = clock.now();
    const old = this.instances;
    this.#generation++;
    this.live = record;
    this.#failuresInARow = 0;
    this.#notBefore = 0;
    this.#lastError = undefined;
    this.route.lastUsedAt = now;
    // One that has failed since it was asked for its methods is started anew when a call comes.
    if (candidate?.phase === "ready") {
      this.#add(candidate);
      this.route.add(candidate.target);
    }
    // The new one takes calls before the old ones stop taking them.
    for (const instance of old) this.#drain(instance, now + limits.deployDrainTimeoutMs);
    // Of very many services at zero, none is looked at.
    const isAtZero = this.instances.length === 0 && this.route.callsWaiting === 0;
    if (isAtZero && record.leverJson.minInstances === 0) this.#context.markIdle(this);
    else this.reconcile();
  }

  /** Makes what runs match what is wanted. */
  reconcile(): void {
    const { clock, limits, isClosing, decide } = this.#context;
    if (isClosing || this.#isClosed) return;
    const now = clock.now();
    this.#stopDrained(now);
    const running = this.#running();
    const answering = running.filter(({ isUnresponsive }) => !isUnresponsive);
    const have = answering.length + this.#starting;
    const { minInstances, maxInstanceLoad } = this.live.leverJson;
    const maxInstances = this.#maxInstances;
    const { callsInFlight, callsWaiting } = this.route;
    const load = {
      load: callsInFlight + callsWaiting,
      // A service that is starting or has started is in use; one at zero is only started by a call.
      idleMs: have > 0 ? now - this.route.lastUsedAt : Number.POSITIVE_INFINITY,
      maxInstanceLoad,
      minInstances,
      maxInstances,
    };
    const decision = decide(this.#recent, load, {
      now,
      scaleDownAfterMs: limits.scaleDownAfterMs,
      idleTimeoutMs: limits.idleTimeoutMs,
    });
    const { wanted, needed: need, reason } = decision;
    this.#recent = decision.recent;
    this.#blockedBy = null;
    // Those that do not answer may do so again: with them, too, a service has no more than it may have.
    const silent = running.length - answering.length;
    const missing = Math.min(wanted, maxInstances - silent) - have;
    if (missing > 0) this.#scaleUp(missing, { now, needed: Math.max(need, minInstances) - have });
    else if (wanted < have) this.#scaleDown(answering, have - wanted);
    const isAtMost = have + Math.max(0, missing) + silent >= maxInstances;
    const isStarting = this.#starting > 0 || running.some(({ phase }) => phase === "starting");
    this.route.capacity = {
      canScaleUp: isStarting || (!isAtMost && this.#blockedBy !== "memory"),
      callsPerInstanceTarget: Math.ceil(maxInstanceLoad) * (isAtMost ? 1 : 2),
      scaleUpAbove: wanted >= maxInstances ? Number.POSITIVE_INFINITY : wanted * maxInstanceLoad,
    };
    this.#record({
      at: new Date().toISOString(),
      callsInFlight,
      callsWaiting,
      needed: need,
      wanted,
      reason,
      running: have,
      unresponsive: silent,
      draining: this.#draining?.size ?? 0,
      blockedBy: this.#blockedBy,
    });
    if (wanted === 0 && this.instances.length === 0 && this.#starting === 0) {
      this.#recent = [];
      this.#context.markIdle(this);
    }
  }

  /** Why there are as many instances as there are. */
  explain(): ScalingReport {
    this.reconcile();
    const { service, version, leverJson } = this.live;
    const { maxInstanceLoad, minInstances } = leverJson;
    const { scaleDownAfterMs, idleTimeoutMs } = this.#context.limits;
    return {
      service,
      version,
      maxInstanceLoad,
      minInstances,
      maxInstances: this.#maxInstances,
      scaleDownAfterMs,
      idleTimeoutMs,
      now: this.#last ?? nothing(),
      records: this.#records,
      lastError: this.#lastError?.message ?? null,
    };
  }

  /** Of very many services at zero, each keeps no more than it needs to start. */
  forget(): void {
    this.#records = NO_RECORDS;
    this.#last = undefined;
  }

  get #maxInstances(): number {
    return this.live.leverJson.maxInstances ?? this.#context.limits.instancesPerServiceMax;
  }

  checkHealth(hostStallMs: number): void {
    for (const instance of this.instances) instance.checkHealth(hostStallMs);
  }

  /** One that could make room for another service. */
  idleInstance(): Instance | undefined {
    const running = this.#running();
    if (running.length <= this.live.leverJson.minInstances) return undefined;
    return running.find(
      ({ phase, target }) =>
        phase === "ready" && target.callsInFlight === 0 && this.route.resourcesOf(target) === 0,
    );
  }

  stateOf(instance: Instance): InstanceState {
    const { phase, isUnresponsive } = instance;
    return instanceStatus({ phase, isDraining: this.#isDraining(instance), isUnresponsive });
  }

  #isDraining(instance: Instance): boolean {
    return this.#draining?.has(instance) === true;
  }

  onReady(instance: Instance): void {
    // F1.
    if (this.#isStale(instance)) instance.stop();
    else this.route.add(instance.target);
  }

  /** It gets no calls until it answers; others do its work. */
  onUnresponsive(instance: Instance): void {
    if (this.#isDraining(instance)) return;
    this.route.pause(instance.target);
    this.reconcile();
  }

  onRecovered(instance: Instance): void {
    if (this.#isDraining(instance)) return;
    this.route.add(instance.target);
    this.reconcile();
  }

  onExited(instance: Instance, error: LeverError): void {
    this.instances = this.instances.filter((other) => other !== instance);
    this.#draining?.delete(instance);
    this.route.exited(instance.target);
    if (!instance.wasStopped && !this.#isStale(instance)) {
      this.#noteFailure(error, instance);
    }
    this.reconcile();
  }

  /** An instance keeps a resource that it should give back: nobody else gets that as long as it lives. */
  onStuck(target: InstanceTarget): void {
    for (const running of this.instances) if (running.target === target) running.stop();
  }

  /** Every instance stops, as in any stop, and none is started any more. */
  close(): readonly Instance[] {
    this.#isClosed = true;
    this.#context.clock.clearTimeout(this.#retry);
    for (const instance of this.instances) instance.stop();
    this.route.refuseWaiting(
      new LeverError("unavailable", "Cannot take the call: Lever is stopping.", {
        retryAfterSeconds: 5,
      }),
    );
    return this.instances;
  }

  #add(instance: Instance): void {
    instance.generation = this.#generation;
    this.instances = [...this.instances, instance];
  }

  #isStale(instance: Instance): boolean {
    return this.#isClosed || instance.generation !== this.#generation;
  }

  /** Of the live version, as it is now, and not about to leave. */
  #running(): Instance[] {
    return this.instances.filter(
      (instance) =>
        !this.#isStale(instance) &&
        (instance.phase === "starting" || instance.phase === "ready") &&
        !this.#isDraining(instance),
    );
  }

  /** `needed` of the missing ones are needed now; the others only were a while ago. */
  #scaleUp(missing: number, { now, needed }: { now: number; needed: number }): void {
    let left = missing;
    // What was about to leave is there at once.
    for (const instance of this.#draining?.keys() ?? []) {
      if (left === 0) return;
      const { phase, isUnresponsive } = instance;
      if (this.#isStale(instance) || phase !== "ready" || isUnresponsive) continue;
      this.#draining?.delete(instance);
      this.route.add(instance.target);
      left--;
    }
    if (left > 0 && now < this.#notBefore) {
      this.#blockedBy = "backoff";
      this.#holdBack(this.#notBefore - now);
      return;
    }
    for (; left > 0; left--) {
      const isNeeded = missing - left < needed;
      if (!this.#context.hasRoomFor(this, { isNeeded })) {
        this.#blockedBy = "memory";
        return;
      }
      void this.#start();
    }
  }

  /** Those with the fewest calls and resources leave first. One that is still starting may be needed when it is ready. */
  #scaleDown(running: readonly Instance[], excess: number): void {
    const ready = running.filter(({ phase }) => phase === "ready");
    const weight = ({ target }: Instance): number =>
      target.callsInFlight + this.route.resourcesOf(target);
    ready.sort((a, b) => weight(a) - weight(b));
    for (const instance of ready.slice(0, excess)) {
      this.#drain(instance, Number.POSITIVE_INFINITY);
    }
  }

  /** No call is cut short: the instance stops when it has none any more, or when its time is up. */
  #drain(instance: Instance, until: number): void {
    this.route.drain(instance.target);
    if (instance.phase === "ready") {
      this.#draining ??= new Map();
      this.#draining.set(instance, until);
    } else {
      instance.stop();
    }
    this.#stopDrained(this.#context.clock.now());
  }

  #stopDrained(now: number): void {
    for (const [instance, until] of this.#draining ?? []) {
      const { target, phase } = instance;
      const isBusy = target.callsInFlight > 0 || this.route.resourcesOf(target) > 0;
      if (phase === "ready" && isBusy && now < until) continue;
      this.#draining?.delete(instance);
      instance.stop();
    }
  }

  async #start(): Promise<void> {
    const record = this.live;
    const generation = this.#generation;
    this.#starting++;
    try {
      const instance = await this.#context.start(record);
      this.#add(instance);
      instance.generation = generation;
      // A deploy came between.
      if (this.#isStale(instance)) instance.stop();
    } catch (error) {
      this.#noteFailure(asStartError(record, error));
    } finally {
      this.#starting--;
    }
  }

  /** F2. What started well and crashed later may work again: calls wait for it, no longer than the delay. */
  #holdBack(delayMs: number): void {
    const { clock } = this.#context;
    if (this.#lastError?.code === "start_failed") this.route.refuseWaiting(this.#lastError);
    clock.clearTimeout(this.#retry);
    this.#retry = clock.setTimeout(() => this.reconcile(), delayMs);
  }

  #noteFailure(error: LeverError, instance?: Instance): void {
    const { clock } = this.#context;
    const wasHealthy =
      instance !== undefined &&
      (instance.target.hasServed === true || clock.now() - instance.launchedAt >= HEALTHY_AFTER_MS);
    this.#failuresInARow = wasHealthy ? 1 : this.#failuresInARow + 1;
    this.#notBefore = clock.now() + restartDelayMs(this.#failuresInARow);
    this.#lastError = error;
    // F2. A crash after the start concerns only the calls it had; those that wait may get the next instance.
    if (error.code === "start_failed") this.route.refuseWaiting(error);
    this.#context.markActive(this);
  }

  #record(record: ScalingRecord): void {
    this.#last = record;
    const last = this.#records.at(-1);
    const isNews =
      last?.wanted !== record.wanted ||
      last.reason !== record.reason ||
      last.running !== record.running ||
      last.blockedBy !== record.blockedBy ||
      last.unresponsive !== record.unresponsive;
    // A service at zero, of which there is nothing to tell, costs nothing.
    if (!isNews || (last === undefined && record.wanted === 0)) return;
    this.#records = [...this.#records.slice(1 - RECORDS_MAX), record];
  }
}

/** Of a host that is closing. */
function nothing(): ScalingRecord {
  return {
    at: new Date().toISOString(),
    callsInFlight: 0,
    callsWaiting: 0,
    needed: 0,
    wanted: 0,
    reason: "idle",
    running: 0,
    unresponsive: 0,
    draining: 0,
    blockedBy: null,
  };
}

function asStartError(record: VersionRecord, error: unknown): LeverError {
  if (error instanceof LeverError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new LeverError(
    "start_failed",
    `Cannot start ${record.service} version ${record.version}: ${reason}.`,
    { cause: error },
  );
}
