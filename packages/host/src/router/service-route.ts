import { type Callee, LeverError, type StartTimes } from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import { chooseInstance } from "./choose-instance.ts";
import { runHook } from "./resource-hooks.ts";
import { ResourceLedger } from "./resource-ledger.ts";

/** An instance as the router sees it. */
export interface InstanceTarget {
  readonly instance: string;
  readonly version: number;
  readonly callee: Callee;
  /** Open streams among them. */
  callsInFlight: number;
  streamsInFlight: number;
  /** It has answered a call: when it fails later, that is no failed start. */
  hasServed?: boolean;
  /** How long its start took; undefined for what was always there. */
  start?: StartTimes;
}

/** The calls of an environment that wait, over all its services. */
interface EnvironmentQueue {
  calls: number;
  bytes: number;
}

/** A call that waits for an instance. */
export interface WaitingCall {
  readonly bodyBytes: number;
  /** `""` when it names none. */
  readonly resource: string;
  readonly isStream: boolean;
  /** Goes to this instance now. */
  assign(target: InstanceTarget): void;
  refuse(error: LeverError): void;
}

export interface RouteLimits {
  readonly callsPerInstanceMax: number;
  readonly queuedCallsMax: number;
  readonly queuedBytesMax: number;
  readonly queuedCallsPerEnvironmentMax: number;
  readonly queuedBytesPerEnvironmentMax: number;
  readonly overloadAfterMs: number;
  readonly resourcesPerServiceMax: number;
  readonly resourceIdleTimeoutMs: number;
  readonly resourceHookTimeoutMs: number;
}

export interface RouteOptions {
  readonly queue: EnvironmentQueue;
  readonly limits: RouteLimits;
  readonly clock: Clock;
  /** For the ownership of a resource: higher than all before. @throws LeverError when there is none now. */
  readonly takeEpoch: () => number;
  /** An instance does not give a resource back: it has to end. */
  readonly onStuck: (route: ServiceRoute, target: InstanceTarget, resource: string) => void;
}

/** What a live version promises to callers. */
export interface LiveVersion {
  readonly version: number;
  readonly isPrivate: boolean;
  /** undefined = not known: any name that may be a method's. */
  readonly methods: readonly string[] | undefined;
}

/** The row of the routing table for one service: its live version, its instances, and the calls that wait for one. */
export class ServiceRoute {
  readonly environment: string;
  readonly service: string;
  live: LiveVersion;
  /** When the last call ended or was taken, by the router's clock. */
  lastUsedAt: number;
  /** More calls in flight than this need another instance: then the router tells its `onDemand`. */
  scaleUpAbove = 0;
  /** Regular calls on one instance. */
  slots: number = Number.POSITIVE_INFINITY;
  /** More instances may come. When none may, a queue that does not empty is no use to anyone. */
  mayGrow = true;
  readonly #options: RouteOptions;
  readonly #limits: RouteLimits;
  /** Most services have none. */
  #resources: ResourceLedger<InstanceTarget, WaitingCall> | undefined;
  readonly #instances: InstanceTarget[] = [];
  /** Those that any instance may take; calls of resources wait in the ledger. */
  #waiting: Set<WaitingCall> | undefined;
  #callsWaiting = 0;
  /** Since when the queue has not been empty. */
  #waitingSince = 0;
  #overloadedUntil = 0;
  #waitingBytes = 0;
  #turn = 0;
  /** On every instance, also on those that leave. */
  #callsBegun = 0;

  constructor(
    name: { environment: string; service: string },
    live: LiveVersion,
    options: RouteOptions,
  ) {
    this.environment = name.environment;
    this.service = name.service;
    this.live = live;
    this.#options = options;
    this.#limits = options.limits;
    this.lastUsedAt = options.clock.now();
  }

  get callsWaiting(): number {
    return this.#callsWaiting;
  }

  get resources(): number {
    return this.#resources?.size ?? 0;
  }

  resourcesOf(target: InstanceTarget): number {
    return this.#resources?.ownedBy(target) ?? 0;
  }

  /** On instances that take new calls; those on draining ones no longer count. */
  get callsInFlight(): number {
    let calls = 0;
    for (const target of this.#instances) calls += target.callsInFlight;
    return calls;
  }

  get isOverloaded(): boolean {
    return this.#callsBegun > this.scaleUpAbove;
  }

  /** A call goes to this instance. Returns the epoch of its resource, which `end` takes. */
  begin(target: InstanceTarget, call: { resource: string; isStream: boolean }): number {
    target.callsInFlight++;
    if (call.isStream) target.streamsInFlight++;
    this.#callsBegun++;
    return call.resource === "" ? 0 : this.#ledger.begin(call.resource, call.isStream);
  }

  /** A call is over: another one may have its place. */
  end(
    target: InstanceTarget,
    call: { resource: string; isStream: boolean; epoch: number; now: number },
  ): void {
    target.callsInFlight--;
    if (call.isStream) target.streamsInFlight--;
    this.#callsBegun--;
    this.lastUsedAt = call.now;
    if (call.resource !== "") this.#ledger.end(call.resource, call.epoch, call);
    if (this.#waiting !== undefined && this.#waiting.size > 0) this.dispatch();
  }

  /** Which instance a call goes to now; undefined = it has to wait. @throws LeverError when it may not even do that. */
  choose({
    resource,
    isStream,
  }: {
    resource: string;
    isStream: boolean;
  }): InstanceTarget | undefined {
    const { callsPerInstanceMax } = this.#limits;
    if (resource === "") {
      // Those that wait come first.
      if (!isStream && this.#waiting !== undefined && this.#waiting.size > 0) return undefined;
      return this.#chooseAny(isStream);
    }
    const owner = this.#ledger.ownerOf(resource);
    if (owner !== undefined && owner.callsInFlight >= callsPerInstanceMax) {
      throw overloaded(`the instance that has ${resource} carries too many calls`);
    }
    return owner;
  }

  /** The instance gets calls and resources, for the first time or again. */
  add(target: InstanceTarget): void {
    this.#instances.push(target);
    this.#resources?.stay(target);
    this.dispatch();
  }

  /** The instance does not answer at the moment: it gets no calls until it is added again. */
  pause(target: InstanceTarget): void {
    this.#drop(target);
    this.#resources?.pause(target);
  }

  /** The instance gets no new calls; those it has go on, and its resources are handed over. */
  retire(target: InstanceTarget): void {
    this.#drop(target);
    this.#resources?.retire(target);
  }

  /** The instance is ending by itself: nothing is sent to it any more. */
  ending(target: InstanceTarget): void {
    this.#drop(target);
    this.#resources?.ending(target);
  }

  /** The instance is dead. */
  gone(target: InstanceTarget): void {
    this.#drop(target);
    this.#resources?.gone(target);
  }

  /** The call waits from now on. @throws LeverError when that is no use. */
  wait(call: WaitingCall): void {
    const { resource, bodyBytes } = call;
    const limits = this.#limits;
    const { queue, clock } = this.#options;
    const isFull =
      this.#callsWaiting >= limits.queuedCallsMax ||
      this.#waitingBytes + bodyBytes > limits.queuedBytesMax;
    if (isFull || this.#isOverloadedFor(clock.now())) {
      throw overloaded(`too many calls of ${this.service} wait for an instance`);
    }
    const isEnvironmentFull =
      queue.calls >= limits.queuedCallsPerEnvironmentMax ||
      queue.bytes + bodyBytes > limits.queuedBytesPerEnvironmentMax;
    if (isEnvironmentFull) throw overloaded(`too many calls of ${this.environment} wait`);
    const isNew = resource !== "" && !this.#ledger.has(resource);
    if (isNew && this.#ledger.size >= limits.resourcesPerServiceMax) {
      throw overloaded(`${this.service} has too many resources`);
    }
    if (this.#callsWaiting === 0) this.#waitingSince = clock.now();
    this.#callsWaiting++;
    this.#waitingBytes += bodyBytes;
    queue.calls++;
    queue.bytes += bodyBytes;
    if (resource === "") {
      this.#waiting ??= new Set();
      this.#waiting.add(call);
    } else this.#ledger.wait(call, clock.now());
  }

  /**
   * A queue absorbs bursts. One that has not been empty for a while, with no instance to come, only adds waiting to
   * every call: from then on no more wait than half of what the instances can carry at once, until for as long a time
   * nobody had to be refused.
   */
  #isOverloadedFor(now: number): boolean {
    if (this.mayGrow) return false;
    const { overloadAfterMs } = this.#limits;
    const isStanding = this.#callsWaiting > 0 && now - this.#waitingSince >= overloadAfterMs;
    if (!isStanding && now >= this.#overloadedUntil) return false;
    if (this.#callsWaiting < (this.#instances.length * this.slots) / 2) return false;
    this.#overloadedUntil = now + overloadAfterMs;
    return true;
  }

  /** The call waits no longer: it was cancelled, or its time is up. */
  leaveQueue(call: WaitingCall): void {
    const isGone =
      call.resource === "" ? this.#waiting?.delete(call) : this.#resources?.leave(call);
    if (isGone === true) this.#countOut(call);
  }

  /** Gives waiting calls, oldest first, to instances with room, and places resources. */
  dispatch(): void {
    for (const call of this.#waiting ?? []) {
      const target = this.#chooseAny(call.isStream);
      if (target === undefined) break;
      this.#waiting?.delete(call);
      this.#countOut(call);
      call.assign(target);
    }
    this.#resources?.place();
  }

  /** Refuses every waiting call: no instance will come. */
  refuseWaiting(error: LeverError): void {
    const calls = [...(this.#waiting ?? [])];
    this.#waiting = undefined;
    this.#refuse(calls, error);
    this.#resources?.refuseWaiting(error);
  }

  /** Closes resources that nobody has used for a while. */
  closeIdleResources(): void {
    this.#resources?.closeIdle(this.#options.clock.now(), this.#limits.resourceIdleTimeoutMs);
  }

  #refuse(calls: readonly WaitingCall[], error: LeverError): void {
    for (const call of calls) {
      this.#countOut(call);
      call.refuse(error);
    }
  }

  #countOut(call: WaitingCall): void {
    const { queue } = this.#options;
    this.#callsWaiting--;
    this.#waitingBytes -= call.bodyBytes;
    queue.calls--;
    queue.bytes -= call.bodyBytes;
  }

  #chooseAny(isStream: boolean): InstanceTarget | undefined {
    const { callsPerInstanceMax } = this.#limits;
    return chooseInstance(this.#instances, {
      callsPerInstanceMax,
      slots: this.slots,
      isStream,
      turn: this.#turn++,
    });
  }

  #drop(target: InstanceTarget): void {
    const index = this.#instances.indexOf(target);
    if (index !== -1) this.#instances.splice(index, 1);
  }

  get #ledger(): ResourceLedger<InstanceTarget, WaitingCall> {
    this.#resources ??= new ResourceLedger({
      takeEpoch: this.#options.takeEpoch,
      choose: () => this.#chooseForResource(),
      open: (resource, owner, epoch) => {
        const { resourceHookTimeoutMs: timeoutMs } = this.#limits;
        const call = { resource, epoch, timeoutMs, clock: this.#options.clock };
        runHook(owner, "newResource", call, (failure) => {
          if (failure === undefined) this.#ledger.opened(resource, epoch);
          else this.#ledger.failed(resource, epoch, failure);
        });
      },
      close: (resource, owner, epoch) => {
        const { resourceHookTimeoutMs: timeoutMs } = this.#limits;
        const call = { resource, epoch, timeoutMs, clock: this.#options.clock };
        runHook(owner, "closeResource", call, (failure) => {
          if (failure?.mayStillRun === true) this.#options.onStuck(this, owner, resource);
          else this.#ledger.closed(resource, epoch);
        });
      },
      dispatch: (calls, owner) => {
        for (const call of calls) {
          this.#countOut(call);
          call.assign(owner);
        }
      },
      refuse: (calls, error) => this.#refuse(calls, error),
    });
    return this.#resources;
  }

  /** The one with the fewest resources; of equals the one with the fewest calls. */
  #chooseForResource(): InstanceTarget | undefined {
    let chosen: { target: InstanceTarget; resources: number } | undefined;
    for (const target of this.#instances) {
      if (target.callsInFlight >= this.#limits.callsPerInstanceMax) continue;
      const resources = this.resourcesOf(target);
      const isBetter =
        chosen === undefined ||
        resources < chosen.resources ||
        (resources === chosen.resources && target.callsInFlight < chosen.target.callsInFlight);
      if (isBetter) chosen = { target, resources };
    }
    return chosen?.target;
  }
}

function overloaded(reason: string): LeverError {
  return new LeverError("overloaded", `Cannot take the call: ${reason}.`, {
    retryAfterSeconds: 1,
  });
}
