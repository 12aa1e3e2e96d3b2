import { LeverError, type Limits, type ResourceHook } from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import type { SubmittedCall } from "./call.ts";
import { CallQueue } from "./call-queue.ts";
import { chooseForResource, chooseInstance } from "./choose-instance.ts";
import type { InstanceTarget } from "./instance-target.ts";
import { Lease } from "./lease.ts";
import { type HookFailure, runHook } from "./resource-hooks.ts";
import { ResourceLedger } from "./resource-ledger.ts";
import {
  overloaded,
  WaitingCalls,
  type WaitingInEnvironment,
  type WaitingLimits,
} from "./waiting-calls.ts";

type RouteLimits = WaitingLimits &
  Pick<
    Limits,
    | "callsPerInstanceMax"
    | "queueStandingMs"
    | "resourcesPerServiceMax"
    | "resourceIdleTimeoutMs"
    | "resourceHookTimeoutMs"
  >;

/** Shared by the routes of an environment. */
export interface RouteOptions {
  readonly waiting: WaitingInEnvironment;
  readonly limits: RouteLimits;
  readonly clock: Clock;
  /** Epoch for a new ownership of a resource: higher than all before. @throws LeverError when there is none now. */
  readonly nextEpoch: () => number;
  /** A call waits because no instance can take it, or the instances carry more than they should. */
  readonly onDemand: (route: ServiceRoute) => void;
  /** An instance does not close a resource in time: it must end. */
  readonly onStuck: (route: ServiceRoute, target: InstanceTarget, resource: string) => void;
}

/** What a live version promises to callers. */
export interface LiveVersion {
  readonly version: number;
  readonly isPrivate: boolean;
  /** undefined = not known: any name that may be a method's. */
  readonly methods: readonly string[] | undefined;
}

/** How much a service's instances carry, and whether more of them may come. */
export interface RouteCapacity {
  /** Regular calls that one instance is given before another instance gets the next. */
  readonly callsPerInstanceTarget: number;
  /** More calls in flight than this need another instance: the router then calls `onDemand`. */
  readonly scaleUpAbove: number;
  /** More instances may come. If not, calls that join a standing queue are refused. */
  readonly canScaleUp: boolean;
}

/** The capacity of a route whose instances nothing scales. */
const UNSCALED: RouteCapacity = {
  callsPerInstanceTarget: Number.POSITIVE_INFINITY,
  scaleUpAbove: 0,
  canScaleUp: true,
};

/** The row of the routing table for one service: its live version, its instances, and the calls that wait for one. */
export class ServiceRoute {
  readonly environment: string;
  readonly service: string;
  live: LiveVersion;
  /** When the last call ended or was taken, by the router's clock. */
  lastUsedAt: number;
  /** Set by who starts its instances. */
  capacity: RouteCapacity = UNSCALED;
  readonly #options: RouteOptions;
  readonly #waiting: WaitingCalls;
  /** undefined while no resource is in use: most services have none. */
  #resources: ResourceLedger<InstanceTarget, SubmittedCall> | undefined;
  readonly #instances: InstanceTarget[] = [];
  /** Calls that any instance may take; those with a resource wait in the ledger. undefined while the service is idle. */
  #queue: CallQueue<SubmittedCall> | undefined;
  #roundRobin = 0;
  /** Calls on all instances, also on draining ones. */
  #callsAssigned = 0;

  constructor(
    name: { environment: string; service: string },
    live: LiveVersion,
    options: RouteOptions,
  ) {
    this.environment = name.environment;
    this.service = name.service;
    this.live = live;
    this.#options = options;
    this.#waiting = new WaitingCalls(options.waiting, options.limits);
    this.lastUsedAt = options.clock.now();
  }

  get callsWaiting(): number {
    return this.#waiting.count;
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

  /** Gives the call to an instance, lets it wait for one, or refuses it, and raises demand where that needs more instances. */
  submit(call: SubmittedCall): void {
    try {
      const target = this.#choose(call);
      if (target === undefined) this.#wait(call);
      else this.#assign(call, target);
      if (target === undefined || this.#callsAssigned > this.capacity.scaleUpAbove) {
        this.#options.onDemand(this);
      }
    } catch (error) {
      if (!(error instanceof LeverError)) throw error;
      call.refuse(error);
    }
  }

  /** A lease has ended: a waiting call may have its place. */
  release(lease: Lease, now: number): void {
    const { target, resource, isStream, epoch } = lease;
    target.callsInFlight--;
    if (isStream) target.streamsInFlight--;
    this.#callsAssigned--;
    if (resource !== "") this.#ledger.end(resource, epoch, { isStream, now });
    if (this.#isQueueing) this.dispatch();
  }

  /** The instance for a call, now. undefined = the call must wait. @throws LeverError when it may not even do that. */
  #choose({ resource, isStream }: SubmittedCall): InstanceTarget | undefined {
    if (resource === "") {
      // Waiting calls come first.
      if (!isStream && this.#isQueueing) return undefined;
      return this.#chooseAny(isStream);
    }
    const owner = this.#ledger.ownerOf(resource);
    if (owner !== undefined && owner.callsInFlight >= this.#options.limits.callsPerInstanceMax) {
      throw overloaded(`the instance that has ${resource} carries too many calls`);
    }
    return owner;
  }

  #assign(call: SubmittedCall, target: InstanceTarget): void {
    if (call.isOver) return;
    const { resource, isStream } = call;
    target.callsInFlight++;
    if (isStream) target.streamsInFlight++;
    this.#callsAssigned++;
    const epoch = resource === "" ? 0 : this.#ledger.begin(resource, isStream);
    call.assign(new Lease(this, target, call, epoch));
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
  drain(target: InstanceTarget): void {
    this.#drop(target);
    this.#resources?.drain(target);
  }

  /** The instance is ending by itself: nothing is sent to it any more. */
  stopping(target: InstanceTarget): void {
    this.#drop(target);
    this.#resources?.stopping(target);
  }

  /** The instance is dead. */
  exited(target: InstanceTarget): void {
    this.#drop(target);
    this.#resources?.exited(target);
  }

  /** @throws LeverError when the call may not wait. */
  #wait(call: SubmittedCall): void {
    const { resource, bodyBytes } = call;
    const now = this.#options.clock.now();
    this.#checkMayWait(call, now);
    call.wait(now);
    this.#waiting.add(bodyBytes);
    if (resource === "") {
      this.#queue ??= new CallQueue();
      this.#queue.add(call, now);
    } else {
      this.#ledger.wait(call, now);
    }
  }

  /** @throws LeverError `overloaded` */
  #checkMayWait({ resource, bodyBytes }: SubmittedCall, now: number): void {
    const { queueStandingMs, resourcesPerServiceMax } = this.#options.limits;
    const { callsPerInstanceTarget, canScaleUp } = this.capacity;
    const capacity = this.#instances.length * callsPerInstanceTarget;
    const isStanding =
      resource === "" &&
      !canScaleUp &&
      this.#queue?.isOverloaded({ now, afterMs: queueStandingMs, capacity }) === true;
    const full = isStanding ? "service" : this.#waiting.fullPart(bodyBytes);
    if (full === "service")
      throw overloaded(`too many calls of ${this.service} wait for an instance`);
    if (full === "environment") throw overloaded(`too many calls of ${this.environment} wait`);
    const isNew = resource !== "" && !this.#ledger.has(resource);
    if (isNew && this.#ledger.size >= resourcesPerServiceMax) {
      throw overloaded(`${this.service} has too many resources`);
    }
  }

  /** A cancelled call, or one past its deadline, no longer waits. */
  leaveQueue(call: SubmittedCall): void {
    const hasWaited =
      call.resource === "" ? this.#queue?.delete(call) : this.#resources?.leave(call);
    if (hasWaited === true) this.#waiting.remove(call.bodyBytes);
  }

  /** Gives waiting calls, oldest first, to instances with room, and places resources. */
  dispatch(): void {
    for (const call of this.#queue ?? []) {
      const target = this.#chooseAny(call.isStream);
      if (target === undefined) break;
      this.#queue?.delete(call);
      this.#waiting.remove(call.bodyBytes);
      this.#assign(call, target);
    }
    this.#resources?.place();
  }

  /** Refuses every waiting call: no instance will come. */
  refuseWaiting(error: LeverError): void {
    this.#refuse(this.#queue?.takeAll() ?? [], error);
    this.#resources?.refuseWaiting(error);
  }

  /** Closes resources that nobody has used for a while. */
  closeIdleResources(): void {
    this.#resources?.closeIdle(
      this.#options.clock.now(),
      this.#options.limits.resourceIdleTimeoutMs,
    );
  }

  /** The service is at zero: what stood ready for calls and resources goes, unless it is in use. */
  releaseUnused(): void {
    if (this.#queue?.size === 0) this.#queue = undefined;
    if (this.#resources?.size === 0) this.#resources = undefined;
  }

  #refuse(calls: readonly SubmittedCall[], error: LeverError): void {
    for (const call of calls) {
      this.#waiting.remove(call.bodyBytes);
      call.refuse(error);
    }
  }

  get #isQueueing(): boolean {
    return this.#queue !== undefined && this.#queue.size > 0;
  }

  #chooseAny(isStream: boolean): InstanceTarget | undefined {
    const { callsPerInstanceMax } = this.#options.limits;
    return chooseInstance(this.#instances, {
      callsPerInstanceMax,
      callsPerInstanceTarget: this.capacity.callsPerInstanceTarget,
      isStream,
      turn: this.#roundRobin++,
    });
  }

  #drop(target: InstanceTarget): void {
    const index = this.#instances.indexOf(target);
    if (index !== -1) this.#instances.splice(index, 1);
  }

  get #ledger(): ResourceLedger<InstanceTarget, SubmittedCall> {
    this.#resources ??= new ResourceLedger({
      nextEpoch: this.#options.nextEpoch,
      choose: () => this.#chooseForResource(),
      open: (resource, owner, epoch) =>
        this.#runHook(owner, "newResource", { resource, epoch }, (failure) => {
          if (failure === undefined) this.#ledger.opened(resource, epoch);
          else this.#ledger.failed(resource, epoch, failure);
        }),
      close: (resource, owner, epoch) =>
        this.#runHook(owner, "closeResource", { resource, epoch }, (failure) => {
          if (failure?.isOutcomeUnknown === true) this.#options.onStuck(this, owner, resource);
          else this.#ledger.closed(resource, epoch);
        }),
      dispatch: (calls, owner) => {
        for (const call of calls) {
          this.#waiting.remove(call.bodyBytes);
          this.#assign(call, owner);
        }
      },
      refuse: (calls, error) => this.#refuse(calls, error),
    });
    return this.#resources;
  }

  #runHook(
    owner: InstanceTarget,
    hook: ResourceHook,
    of: { resource: string; epoch: number },
    done: (failure: HookFailure | undefined) => void,
  ): void {
    const { clock, limits } = this.#options;
    runHook(owner, hook, { ...of, timeoutMs: limits.resourceHookTimeoutMs, clock }, done);
  }

  /** The one with the fewest resources; of equals the one with the fewest calls. */
  #chooseForResource(): InstanceTarget | undefined {
    return chooseForResource(this.#instances, {
      callsPerInstanceMax: this.#options.limits.callsPerInstanceMax,
      resourcesOf: (target) => this.resourcesOf(target),
    });
  }
}
