// One class, although long: each step for a service follows from its instances, its failures and its history.

import { LeverError, type ScalingReport, type ServiceListing } from "@leveros/protocol";
import type { RecentNeeds } from "../autoscaler/decide-instances.ts";
import { isoTime } from "../clock.ts";
import { endStreams, type InstanceTarget } from "../router/instance-target.ts";
import type { ServiceRoute } from "../router/service-route.ts";
import type { VersionRecord } from "../store/store.ts";
import {
  decideService,
  isRunning,
  routeCapacity,
  rulesHere,
  type ScalingRules,
  type ServiceNow,
  scalingRecord,
} from "./decide-service.ts";
import type { FleetContext } from "./fleet-context.ts";
import type { Instance, InstanceListener } from "./instance.ts";
import { streamEnded } from "./instance-errors.ts";
import { addDecision, latestDecision, NO_HISTORY } from "./scaling-history.ts";
import {
  addFailure,
  addLostStart,
  addReady,
  asStartError,
  hasStartedWell,
  NO_FAILURES,
  nextStartTooLate,
} from "./service-failures.ts";
import { HOST_DRAINS, replacedReason, surplusReason } from "./stop-reason.ts";

/** One service's live version, and the instances that run for it. Carries out what `decideService` decides. */
export class ServiceFleet implements InstanceListener {
  readonly route: ServiceRoute;
  live: VersionRecord;
  /** Instances of every version, until their processes have exited. An array, because an empty one costs nothing. */
  instances: readonly Instance[] = [];
  /** Instances that it should have. */
  wanted = 0;
  readonly #context: FleetContext<ServiceFleet>;
  /** Starts that are being prepared and have no instance yet. */
  #preparing = 0;
  #recent: RecentNeeds = [];
  /** Grows with each deploy and each restart. Instances of an earlier generation drain. */
  #generation = 0;
  #failures = NO_FAILURES;
  #history = NO_HISTORY;
  #retry: unknown;
  /** undefined = it is open. */
  #closedBecause: string | undefined;

  constructor(live: VersionRecord, route: ServiceRoute, context: FleetContext<ServiceFleet>) {
    this.live = live;
    this.route = route;
    this.#context = context;
  }

  /** Makes a version the live one. Instances of other versions finish the calls that they have, and stop. */
  goLive(record: VersionRecord, candidate: Instance | undefined): void {
    const { clock, limits } = this.#context;
    const now = clock.now();
    const old = this.instances;
    this.#generation++;
    this.live = record;
    this.#failures = NO_FAILURES;
    this.route.lastFailure = undefined;
    this.route.lastUsedAt = now;
    // A candidate that has failed since it was ready is replaced when a call comes.
    if (this.#context.isDraining()) candidate?.stop(HOST_DRAINS);
    else if (candidate?.phase === "ready") {
      this.#add(candidate);
      this.route.add(candidate.target);
    }
    // The new instance takes calls before the old ones stop taking them.
    const stopAt = now + limits.deployDrainTimeoutMs;
    for (const instance of old) {
      this.#drain(instance, stopAt, replacedReason(instance.spec.version, record.version));
    }
    // A host may have very many services at zero: they are not reconciled.
    const isAtZero = this.instances.length === 0 && this.route.callsWaiting === 0;
    if (isAtZero && record.leverJson.minInstances === 0) this.#context.markIdle(this);
    else this.reconcile();
  }

  /** The host drains: instances finish the calls that they have, and calls that wait go to other hosts. */
  drain(): void {
    const stopAt = this.#context.clock.now() + this.#context.limits.deployDrainTimeoutMs;
    for (const instance of this.instances) this.#drain(instance, stopAt, HOST_DRAINS);
    this.route.passOn();
    this.reconcile();
  }

  /** Makes the instances that run match those that the service should have. */
  reconcile(): void {
    const { clock, decide, limits } = this.#context;
    if (this.#isClosed || this.#context.isClosing()) return;
    const service = this.#now();
    const decided = decideService(service, decide, limits);
    const plan = this.#context.isDraining() ? { ...decided, reason: "draining" as const } : decided;
    this.#recent = plan.recent;
    this.wanted = plan.wanted;
    for (const instance of plan.stop) instance.stop();
    for (const instance of plan.resume) {
      instance.resume();
      this.route.add(instance.target);
    }
    if (plan.isInBackoff) this.#waitForBackoff();
    const isOutOfMemory = !this.#startAll(plan.start, plan.startNeeded);
    for (const instance of plan.drain) {
      instance.isSurplus = true;
      this.#drain(instance, Number.POSITIVE_INFINITY, surplusReason(plan.wanted, limits));
    }
    const isStarting = this.#preparing > 0 || this.#hasStartingInstance();
    // Calls that wait here get places on other hosts.
    const isElsewhere = (service.share?.others ?? 0) > 0 && plan.running === 0;
    this.route.capacity = routeCapacity(plan, rulesHere(service), {
      isStarting: isStarting || isElsewhere,
      isOutOfMemory,
    });
    const at = isoTime(clock.wallTime());
    const draining = this.instances.filter(({ phase }) => phase === "draining").length;
    const record = scalingRecord(plan, service, { at, draining, isOutOfMemory });
    this.#history = addDecision(this.#history, record);
    if (plan.wanted === 0 && this.instances.length === 0 && this.#preparing === 0) {
      this.#recent = [];
      this.#context.markIdle(this);
    }
  }

  /** Why there are as many instances as there are. */
  explain(): ScalingReport {
    this.reconcile();
    const { clock, limits } = this.#context;
    const { service, version } = this.live;
    const { scaleDownAfterMs, idleTimeoutMs } = limits;
    return {
      service,
      version,
      ...this.rules,
      scaleDownAfterMs,
      idleTimeoutMs,
      now: latestDecision(this.#history, isoTime(clock.wallTime())),
      records: this.#history.records,
      lastError: this.#failures.error?.message ?? null,
    };
  }

  /** The failures in a row that delay the next start; undefined = nothing delays it. */
  get failing(): ServiceListing["failing"] {
    const { error, inARow, startAllowedAt } = this.#failures;
    const nextStartMs = startAllowedAt - this.#context.clock.now();
    const isHealthy = this.#running().some((instance) => hasStartedWell(this.#lifeOf(instance)));
    if (error === undefined || inARow < 2 || isHealthy) return undefined;
    return { reason: error.message, inARow, nextStartMs: Math.max(0, Math.round(nextStartMs)) };
  }

  /** Forgets past decisions: of very many services at zero, each stores only what it needs to start. */
  forgetHistory(): void {
    this.#history = NO_HISTORY;
  }

  checkHealth(hostStallMs: number): void {
    for (const instance of this.instances) instance.checkHealth(hostStallMs);
  }

  /** An instance that could be stopped to free memory for another service. */
  idleInstance(): Instance | undefined {
    const running = this.#running();
    const { minInstances } = this.live.leverJson;
    const { told = minInstances } = this.#context.shareOf(this) ?? {};
    if (running.length <= Math.min(told, minInstances)) return undefined;
    return running.find((instance) => instance.phase === "ready" && !this.#isBusy(instance));
  }

  // As the listener of its instances.

  onReady(instance: Instance): void {
    const { start } = instance.target;
    if (start !== undefined) {
      const { isWarm, prepareMs: prepare, launchMs: launch, loadMs: load } = start;
      this.route.meter?.started(isWarm, { prepare, launch, load });
      this.#context.onStarted(start);
    }
    this.#failures = addReady(this.#failures);
    // F1.
    if (this.#isStale(instance)) instance.stop(this.#whyStopped(instance));
    else this.route.add(instance.target);
  }

  onStopping(instance: Instance): void {
    this.route.stopping(instance.target);
  }

  /** An unresponsive instance gets no calls until it recovers; other instances take over. */
  onTerminating(instance: Instance): void {
    endStreams(instance.target, streamEnded(this.live.service, this.#whyStopped(instance)));
  }

  onUnresponsive(instance: Instance): void {
    this.route.pause(instance.target);
    this.reconcile();
  }

  onRecovered(instance: Instance): void {
    if (instance.phase === "ready") this.route.add(instance.target);
    else this.route.recover(instance.target);
    this.reconcile();
  }

  onExited(instance: Instance, error: LeverError): void {
    const { log } = this.#context;
    this.instances = this.instances.filter((other) => other !== instance);
    this.route.exited(instance.target, instance.wasStopped ? undefined : error);
    this.#countExit(instance);
    if (instance.wasStopped || this.#context.isClosing()) {
      const { about, stopReason: reason } = instance;
      log("info", "fleet", "instance stopped", { ...about, ...(reason && { reason }) });
    } else {
      log("warn", "fleet", "instance failed", { ...instance.about, reason: error.message });
    }
    const lost = instance.wasLost ? addLostStart(this.#failures) : undefined;
    if (!instance.wasStopped && lost !== undefined) {
      this.#failures = lost;
    } else if (!instance.wasStopped && !this.#isStale(instance)) {
      this.#onFailure(error, this.#lifeOf(instance));
    } else if (instance.wasStopped && hasStartedWell(this.#lifeOf(instance))) {
      this.#failures = { ...NO_FAILURES, error: this.#failures.error };
      this.route.lastFailure = undefined;
    }
    this.reconcile();
  }

  /** The instance that gets the calls of this target; undefined = it has exited. */
  instanceOf(target: InstanceTarget): Instance | undefined {
    return this.instances.find((instance) => instance.target === target);
  }

  /** An instance does not close a resource. As long as it lives, no other instance can own the resource. */
  onStuck(target: InstanceTarget): void {
    const reason = "one of its resources did not close";
    for (const running of this.instances) if (running.target === target) running.stop(reason);
  }

  /** Stops every instance, and starts no more. `removedBecause` completes a sentence for its callers. Default: the host stops. */
  close(removedBecause?: string): void {
    const reason = removedBecause ?? "Lever is stopping";
    this.#closedBecause = reason;
    this.#context.clock.clearTimeout(this.#retry);
    for (const instance of this.instances) instance.stop(reason);
    const error = new LeverError("unavailable", `Cannot take the call: ${reason}.`, {
      retryAfterSeconds: 5,
    });
    if (removedBecause === undefined) this.route.stop(error);
    else this.route.refuseWaiting(error);
  }

  get #isClosed(): boolean {
    return this.#closedBecause !== undefined;
  }

  /** Completes a sentence about a stream of the instance. */
  #whyStopped(instance: Instance): string {
    if (this.#closedBecause !== undefined) return this.#closedBecause;
    if (this.#context.isDraining()) return HOST_DRAINS;
    if (this.#isStale(instance)) return `version ${this.live.version} is live now`;
    return "its instance is stopping";
  }

  #countExit(instance: Instance): void {
    const { runtime, wasStopped, target } = instance;
    const { meter } = this.route;
    if (meter === undefined) return;
    meter.pastCpuSeconds += runtime.cpuSeconds ?? 0;
    if (!wasStopped && target.start === undefined) meter.startFailed(runtime.isWarm);
    meter.addExits([[this.#exitReason(instance), 1]]);
  }

  #exitReason({ exitKind, generation, wasStopped, isSurplus, target }: Instance): string {
    if (!wasStopped) return target.start === undefined ? "start_failed" : exitKind;
    if (isSurplus) return this.wanted === 0 ? "idle" : "scale_down";
    return this.#isClosed || generation === this.#generation ? "stopped" : "deploy";
  }

  /** Instances that are ready, or start. */
  get running(): number {
    return this.#running().length + this.#preparing;
  }

  get rules(): ScalingRules {
    const { minInstances, maxInstances, maxInstanceLoad } = this.live.leverJson;
    const { instancesPerServiceMax } = this.#context.limits;
    return { maxInstanceLoad, minInstances, maxInstances: maxInstances ?? instancesPerServiceMax };
  }

  #now(): ServiceNow<Instance> {
    const { callsInFlight, callsWaiting, lastUsedAt } = this.route;
    const isDraining = this.#context.isDraining();
    return {
      now: this.#context.clock.now(),
      rules: isDraining ? { ...this.rules, minInstances: 0, maxInstances: 0 } : this.rules,
      share: isDraining ? undefined : this.#context.shareOf(this),
      instances: this.instances,
      preparing: this.#preparing,
      generation: this.#generation,
      callsInFlight,
      callsWaiting,
      lastUsedAt,
      recent: this.#recent,
      startAllowedAt: this.#failures.startAllowedAt,
      resourcesOf: ({ target }) => this.route.resourcesOf(target),
    };
  }

  #add(instance: Instance): void {
    instance.listener = this;
    instance.generation = this.#generation;
    this.instances = [...this.instances, instance];
  }

  #isStale(instance: Instance): boolean {
    const { generation } = instance;
    return this.#isClosed || this.#context.isDraining() || generation !== this.#generation;
  }

  #lifeOf({ launchedAt, target }: Instance): { livedMs: number; hasServed: boolean } {
    const livedMs = this.#context.clock.now() - launchedAt;
    return { livedMs, hasServed: target.hasServed === true };
  }

  #isBusy({ target }: Instance): boolean {
    return target.callsInFlight > 0 || this.route.resourcesOf(target) > 0;
  }

  #running(): Instance[] {
    return this.instances.filter((instance) => isRunning(instance, this.#generation));
  }

  #hasStartingInstance(): boolean {
    return this.#running().some(({ phase }) => phase === "starting");
  }

  /** False = there is not memory for all of them. */
  #startAll(count: number, neededCount: number): boolean {
    for (let i = 0; i < count; i++) {
      if (!this.#context.hasMemoryFor(this, { isNeeded: i < neededCount })) return false;
      void this.#start();
    }
    return true;
  }

  /** The instance stops when its last call has ended, or at `stopAt` even if it still has some. */
  #drain(instance: Instance, stopAt: number, reason: string): void {
    this.route.drain(instance.target);
    instance.drain(stopAt, reason);
    if (!this.#isBusy(instance)) instance.stop();
  }

  async #start(): Promise<void> {
    const record = this.live;
    const generation = this.#generation;
    this.#preparing++;
    try {
      const spec = await this.#context.prepare(record);
      const instance = this.#context.launch(spec, this);
      this.#add(instance);
      instance.generation = generation;
      // A deploy came between.
      if (this.#isStale(instance)) instance.stop(this.#whyStopped(instance));
    } catch (error) {
      // Its waiting calls have been refused.
      if (this.#isClosed || this.#context.isClosing()) return;
      // A deploy came between: the live version has not failed.
      if (generation !== this.#generation) this.#context.markActive(this);
      else this.#onFailure(asStartError(record, error), { livedMs: 0, hasServed: false });
    } finally {
      this.#preparing--;
    }
  }

  /** F2. Calls wait for an instance that started well and crashed later, but no longer than the delay. */
  #waitForBackoff(): void {
    const { clock } = this.#context;
    const { error, startAllowedAt } = this.#failures;
    if (error?.code === "start_failed") this.#refuseWaiting(error);
    else if (error !== undefined) {
      this.route.refuseDueBefore(startAllowedAt, nextStartTooLate(this.live, error));
    }
    clock.clearTimeout(this.#retry);
    this.#retry = clock.setTimeout(() => this.reconcile(), startAllowedAt - clock.now());
  }

  #onFailure(error: LeverError, of: { livedMs: number; hasServed: boolean }): void {
    const now = this.#context.clock.now();
    this.#failures = addFailure(this.#failures, error, { now, ...of });
    this.route.lastFailure = error;
    // F2. A crash after the start affects only the calls it had; waiting calls may get the next instance.
    if (error.code === "start_failed") this.#refuseWaiting(error);
    this.#context.markActive(this);
  }

  /** F2. Calls go on waiting for an instance that has started well, and does not answer at the moment. */
  #refuseWaiting(error: LeverError): void {
    const mayAnswer = this.#running().some(({ phase }) => phase === "ready");
    if (!mayAnswer) this.route.refuseWaiting(error);
  }
}
