import {
  type CallTarget,
  LeverError,
  type Limits,
  type ResourceHook,
  type StartTimes,
} from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import { CallQueue } from "./call-queue.ts";
import { chooseForResource, chooseInstance } from "./choose-instance.ts";
import { type HookFailure, runHook } from "./resource-hooks.ts";
import { ResourceLedger } from "./resource-ledger.ts";

/** An instance as the router sees it. */
export interface InstanceTarget {
  readonly instance: string;
  readonly version: number;
  readonly callee: CallTarget;
  /** Open streams among them. */
  callsInFlight: number;
  streamsInFlight: number;
  /** It has answered a call: when it fails later, that is no failed start. */
  hasServed?: boolean;
  /** How long its start took; undefined for what was always there. */
  start?: StartTimes;
}

/** The calls of an environment that wait, over all its services. */
interface WaitingInEnvironment {
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

export type RouteLimits = Pick<
  Limits,
  | "callsPerInstanceMax"
  | "queuedCallsPerServiceMax"
  | "queuedBytesPerServiceMax"
  | "queuedCallsPerEnvironmentMax"
  | "queuedBytesPerEnvironmentMax"
  | "queueStandingMs"
  | "resourcesPerServiceMax"
  | "resourceIdleTimeoutMs"
  | "resourceHookTimeoutMs"
>;

export interface RouteOptions {
  readonly waiting: WaitingInEnvironment;
  readonly limits: RouteLimits;
  readonly clock: Clock;
  /** For the ownership of a resource: higher than all before. @throws LeverError when there is none now. */
  readonly nextEpoch: () => number;
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
  readonly #limits: RouteLimits;
  /** Most services have none. */
  #resources: ResourceLedger<InstanceTarget, WaitingCall> | undefined;
  readonly #instances: InstanceTarget[] = [];
  /** Those that any instance may take; calls of resources wait in the ledger. Most services have none. */
  #queue: CallQueue<WaitingCall> | undefined;
  /** In the queue and in the ledger. */
  #callsWaiting = 0;
  #bytesWaiting = 0;
  #roundRobin = 0;
  /** On every instance, also on those that leave. */
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
    return this.#callsAssigned > this.capacity.scaleUpAbove;
  }

  /** A call goes to this instance. Returns the epoch of its resource, which `end` takes. */
  begin(target: InstanceTarget, call: { resource: string; isStream: boolean }): number {
    target.callsInFlight++;
    if (call.isStream) target.streamsInFlight++;
    this.#callsAssigned++;
    return call.resource === "" ? 0 : this.#ledger.begin(call.resource, call.isStream);
  }

  /** A call is over: another one may have its place. */
  end(
    target: InstanceTarget,
    call: { resource: string; isStream: boolean; epoch: number; now: number },
  ): void {
    target.callsInFlight--;
    if (call.isStream) target.streamsInFlight--;
    this.#callsAssigned--;
    if (call.resource !== "") this.#ledger.end(call.resource, call.epoch, call);
    if (this.#isQueueing) this.dispatch();
  }

  /** Which instance a call goes to now; undefined = it has to wait. @throws LeverError when it may not even do that. */
  choose(call: Pick<WaitingCall, "resource" | "isStream">): InstanceTarget | undefined {
    const { resource, isStream } = call;
    const { callsPerInstanceMax } = this.#limits;
    if (resource === "") {
      // Those that wait come first.
      if (!isStream && this.#isQueueing) return undefined;
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

  /** The call waits from now on. @throws LeverError when that is no use. */
  wait(call: WaitingCall): void {
    const { resource } = call;
    const now = this.#options.clock.now();
    this.#checkRoom(call, now);
    this.#count(call, 1);
    if (resource === "") {
      this.#queue ??= new CallQueue();
      this.#queue.add(call, now);
    } else {
      this.#ledger.wait(call, now);
    }
  }

  /** @throws LeverError when one more call may not wait. */
  #checkRoom({ resource, bodyBytes }: WaitingCall, now: number): void {
    const limits = this.#limits;
    const { waiting } = this.#options;
    const { callsPerInstanceTarget, canScaleUp } = this.capacity;
    const isFull =
      this.#callsWaiting >= limits.queuedCallsPerServiceMax ||
      this.#bytesWaiting + bodyBytes > limits.queuedBytesPerServiceMax;
    const capacity = this.#instances.length * callsPerInstanceTarget;
    const isOverloaded =
      resource === "" &&
      !canScaleUp &&
      this.#queue?.isOverloaded({ now, afterMs: limits.queueStandingMs, capacity }) === true;
    if (isFull || isOverloaded) {
      throw overloaded(`too many calls of ${this.service} wait for an instance`);
    }
    const isEnvironmentFull =
      waiting.calls >= limits.queuedCallsPerEnvironmentMax ||
      waiting.bytes + bodyBytes > limits.queuedBytesPerEnvironmentMax;
    if (isEnvironmentFull) throw overloaded(`too many calls of ${this.environment} wait`);
    const isNew = resource !== "" && !this.#ledger.has(resource);
    if (isNew && this.#ledger.size >= limits.resourcesPerServiceMax) {
      throw overloaded(`${this.service} has too many resources`);
    }
  }

  /** The call waits no longer: it was cancelled, or its time is up. */
  leaveQueue(call: WaitingCall): void {
    const isGone = call.resource === "" ? this.#queue?.delete(call) : this.#resources?.leave(call);
    if (isGone === true) this.#count(call, -1);
  }

  /** Gives waiting calls, oldest first, to instances with room, and places resources. */
  dispatch(): void {
    for (const call of this.#queue ?? []) {
      const target = this.#chooseAny(call.isStream);
      if (target === undefined) break;
      this.#queue?.delete(call);
      this.#count(call, -1);
      call.assign(target);
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
    this.#resources?.closeIdle(this.#options.clock.now(), this.#limits.resourceIdleTimeoutMs);
  }

  /** The service is at zero: what stood ready for calls and resources goes, unless it is in use. */
  releaseUnused(): void {
    if (this.#queue?.size === 0) this.#queue = undefined;
    if (this.#resources?.size === 0) this.#resources = undefined;
  }

  #refuse(calls: readonly WaitingCall[], error: LeverError): void {
    for (const call of calls) {
      this.#count(call, -1);
      call.refuse(error);
    }
  }

  #count({ bodyBytes }: WaitingCall, by: 1 | -1): void {
    const { waiting } = this.#options;
    this.#callsWaiting += by;
    this.#bytesWaiting += by * bodyBytes;
    waiting.calls += by;
    waiting.bytes += by * bodyBytes;
  }

  get #isQueueing(): boolean {
    return this.#queue !== undefined && this.#queue.size > 0;
  }

  #chooseAny(isStream: boolean): InstanceTarget | undefined {
    const { callsPerInstanceMax } = this.#limits;
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

  get #ledger(): ResourceLedger<InstanceTarget, WaitingCall> {
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
          this.#count(call, -1);
          call.assign(owner);
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
      callsPerInstanceMax: this.#limits.callsPerInstanceMax,
      resourcesOf: (target) => this.resourcesOf(target),
    });
  }
}

function overloaded(reason: string): LeverError {
  return new LeverError("overloaded", `Cannot take the call: ${reason}.`, {
    retryAfterSeconds: 1,
  });
}
