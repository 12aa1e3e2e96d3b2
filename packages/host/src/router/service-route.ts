// One class, although long: the places, the queue and the resources of a service change in one step.

import { isStreamingName, LeverError } from "@leveros/protocol";
import type { MethodMeter } from "../metrics/method-meter.ts";
import { OTHER, type ServiceMeter } from "../metrics/service-meter.ts";
import type { CallHead, SubmittedCall } from "./call.ts";
import { CallQueue } from "./call-queue.ts";
import type { CallRecorder } from "./call-recorder.ts";
import { ownerInCourse } from "./chained-resource.ts";
import { chooseForResource, chooseInstance } from "./choose-instance.ts";
import { addStream, type InstanceTarget, removeStream } from "./instance-target.ts";
import { Lease } from "./lease.ts";
import type { LiveVersion } from "./live-version.ts";
import { resourceUnavailable } from "./other-hosts.ts";
import { createLedger } from "./resource-hooks.ts";
import type { ResourceLedger, ResourceOwnership } from "./resource-ledger.ts";
import type { ResourcePhase } from "./resource-phase.ts";
import { type RouteCapacity, UNSCALED } from "./route-capacity.ts";
import type { RouteOptions } from "./route-options.ts";
import { overloaded, WaitingCalls } from "./waiting-calls.ts";

/** The row of the routing table for one service: its live version, its instances, and the calls that wait for one. */
export class ServiceRoute {
  readonly environment: string;
  readonly service: string;
  live: LiveVersion;
  /** When the last call ended, or the version went live. By the router's clock. */
  lastUsedAt: number;
  /** Set by the fleet. */
  capacity: RouteCapacity = UNSCALED;
  /** Set by the fleet while instances fail: why the last one has. */
  lastFailure: LeverError | undefined;
  readonly #options: RouteOptions<ServiceRoute>;
  /** undefined while no call waits: most services have none. */
  #waiting: WaitingCalls | undefined;
  /** undefined while no resource is in use: most services have none. */
  #resources: ResourceLedger<InstanceTarget, SubmittedCall> | undefined;
  readonly #instances: InstanceTarget[] = [];
  /** Calls that any instance may take; those with a resource wait in the ledger. undefined while the service is idle. */
  #queue: CallQueue<SubmittedCall> | undefined;
  #roundRobin = 0;
  /** Calls on all instances, also on draining ones. */
  #callsAssigned = 0;
  #meter: ServiceMeter | undefined;
  #meterGeneration = 0;

  constructor(
    name: { environment: string; service: string },
    live: LiveVersion,
    options: RouteOptions<ServiceRoute>,
  ) {
    this.environment = name.environment;
    this.service = name.service;
    this.live = live;
    this.#options = options;
    this.lastUsedAt = options.clock.now();
  }

  /** Why the last instance failed, if there is no other. */
  get whyNoInstance(): LeverError | undefined {
    return this.#instances.length === 0 ? this.lastFailure : undefined;
  }

  /** No more instances may come. */
  get isFull(): boolean {
    return this.#instances.length > 0 && !this.capacity.canScaleUp;
  }

  get callsWaiting(): number {
    return this.#waiting?.count ?? 0;
  }

  get resources(): number {
    return this.#resources?.size ?? 0;
  }

  /** The ownership of each resource. */
  get ownerships(): Iterable<ResourceOwnership<InstanceTarget, SubmittedCall>> {
    return this.#resources?.ownerships ?? [];
  }

  resourcesOf(target: InstanceTarget): number {
    return this.#resources?.ownedBy(target) ?? 0;
  }

  /** True while it keeps anything about the instance. */
  remembers(target: InstanceTarget): boolean {
    return this.#instances.includes(target) || this.#resources?.remembers(target) === true;
  }

  /** Counts its calls; undefined = nothing is counted. */
  get meter(): ServiceMeter | undefined {
    const { meters } = this.#options;
    if (meters !== undefined && this.#meterGeneration !== meters.generation) {
      this.#meter = meters.of(this.environment, this.service);
      this.#meterGeneration = meters.generation;
    }
    return this.#meter;
  }

  methodMeter({ target }: Pick<CallHead, "target">): MethodMeter | undefined {
    const { meter } = this;
    if (meter === undefined) return undefined;
    const known = meter.methods.get(target.method);
    if (known !== undefined) return known;
    // The durations of HTTP requests are those of calls.
    const isStream = isStreamingName(target.method);
    const isKnown = this.live.methods !== undefined;
    return this.#options.meters?.method(meter, target.method, { isStream, isKnown });
  }

  get recorder(): CallRecorder | undefined {
    return this.#options.recorder;
  }

  /** The name that all calls of the method share: the text of a request may keep all of its head in memory. */
  methodName(asked: string): string {
    const known = this.live.methods?.find((method) => method === asked);
    return known ?? this.meter?.methods.get(asked)?.method ?? OTHER;
  }

  /** The calls that wait for an instance or a resource. */
  get waitingCalls(): readonly SubmittedCall[] {
    return [...(this.#queue?.filter(() => true) ?? []), ...(this.#resources?.waiting ?? [])];
  }

  get bytesWaiting(): number {
    return this.#waiting?.bytes ?? 0;
  }

  /** Open streams on instances that take new calls. */
  get streamsInFlight(): number {
    let streams = 0;
    for (const target of this.#instances) streams += target.streamsInFlight;
    return streams;
  }

  /** Calls on instances that take new ones. Calls on draining instances do not count. */
  get callsInFlight(): number {
    let calls = 0;
    for (const target of this.#instances) calls += target.callsInFlight;
    return calls;
  }

  /** Gives the call to an instance, lets it wait for one, or refuses it, and raises demand where that needs more instances. */
  submit(call: SubmittedCall): void {
    try {
      const target = this.#choose(call);
      if (target !== undefined) this.#assign(call, target);
      else {
        const destination = this.#options.others?.take(this, call) ?? "here";
        if (destination === "gone") return;
        this.#wait(call, destination === "parked");
      }
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
    const { target, resource, isStream, epoch, call } = lease;
    target.callsInFlight--;
    if (isStream) removeStream(target, call);
    this.#callsAssigned--;
    if (resource !== "") this.#ledger.end(resource, epoch, { isStream, now });
    if (this.#isQueueing) this.dispatch(now);
  }

  /** The instance for a call, now. undefined = the call must wait. @throws LeverError when it may not even do that. */
  #choose(call: SubmittedCall): InstanceTarget | undefined {
    const { resource, isStream, parent } = call;
    if (resource === "") {
      // Waiting calls come first.
      if (!isStream && parent === undefined && this.#isQueueing) return undefined;
      return this.#chooseAny(call);
    }
    const owner = this.#ledger.ownerOf(resource) ?? this.#ownerInCourse(call);
    if (owner === undefined) return undefined;
    const { limits, others } = this.#options;
    if (owner.callsInFlight >= limits.callsPerInstanceMax) {
      throw overloaded(`the instance that has ${resource} carries too many calls`);
    }
    if (others?.mayOwn() === false) {
      throw resourceUnavailable(resource, "the lease of its host is about to end");
    }
    return owner;
  }

  #assign(call: SubmittedCall, target: InstanceTarget): void {
    if (call.isOver) return;
    const { resource, isStream } = call;
    target.callsInFlight++;
    if (isStream) addStream(target, call);
    this.#callsAssigned++;
    const epoch = resource === "" ? 0 : this.#ledger.begin(resource, isStream);
    call.assign(new Lease(this, target, call, epoch));
  }

  /** The instance gets calls and resources, for the first time or again. */
  add(target: InstanceTarget): void {
    const now = this.#options.clock.now();
    this.#instances.push(target);
    this.#resources?.stay(target);
    this.#queue?.instanceAdded(now);
    this.dispatch(now);
  }

  /** The instance is unresponsive: it gets no calls until it is added again. */
  pause(target: InstanceTarget): void {
    this.#drop(target);
    this.#resources?.pause(target);
  }

  /** The instance answers again, and still gets no calls but those of its resources. */
  recover(target: InstanceTarget): void {
    this.#resources?.recover(target);
  }

  /** The instance gets no new calls. Its calls go on, and its resources move to other instances. */
  drain(target: InstanceTarget): void {
    this.#drop(target);
    this.#resources?.drain(target);
  }

  /** The instance is exiting: nothing is sent to it. */
  stopping(target: InstanceTarget): void {
    this.#drop(target);
    this.#resources?.stopping(target);
  }

  /** The process of the instance has exited. `failure`: by itself. */
  exited(target: InstanceTarget, failure: LeverError | undefined): void {
    this.#drop(target);
    this.#resources?.exited(target, failure);
  }

  /** @throws LeverError when the call may not wait. */
  #wait(call: SubmittedCall, isParked: boolean): void {
    const { resource, bodyBytes } = call;
    const now = this.#options.clock.now();
    this.#checkMayWait(call, now);
    call.wait(now);
    this.#waitingCalls.add(bodyBytes);
    if (resource === "") {
      this.#queue ??= new CallQueue(this.#options.limits);
      if (call.parent === undefined) this.#queue.add(call, now);
      else this.#queue.addChained(call);
    } else if (isParked) {
      this.#ledger.park(call, now);
    } else {
      this.#ledger.wait(call, now);
    }
  }

  /** The owner of a resource that only calls made in the course of its own calls still reach. @throws LeverError */
  #ownerInCourse(call: SubmittedCall): InstanceTarget | undefined {
    if (call.parent === undefined) return undefined;
    const ownership = this.#ledger.ownership(call.resource);
    return ownership && ownerInCourse(call, { ...ownership, route: this });
  }

  /** @throws LeverError `overloaded` */
  #checkMayWait({ resource, bodyBytes, parent }: SubmittedCall, now: number): void {
    if (parent !== undefined) this.#checkChained(resource);
    else if (resource === "") this.#checkOverload(now);
    const full = this.#waitingCalls.fullPart(bodyBytes);
    if (full === "service") throw this.#tooManyWait();
    if (full === "environment") throw overloaded(`too many calls of ${this.environment} wait`);
    const isNew = resource !== "" && !this.#ledger.has(resource);
    if (isNew && this.#ledger.size >= this.#options.limits.resourcesPerServiceMax) {
      throw overloaded(`${this.service} has too many resources`);
    }
  }

  /** When no more instances can start. @throws LeverError `overloaded` */
  #checkOverload(now: number): void {
    const { callsPerInstanceTarget, canScaleUp } = this.capacity;
    if (canScaleUp || this.whyNoInstance !== undefined) return;
    const capacity = this.#instances.length * callsPerInstanceTarget;
    const late = this.#queue?.overflow(now, capacity);
    if (late === undefined) return;
    const error = this.#tooManyWait();
    this.#refuse(late, error);
    throw error;
  }

  /** The places that a chained call could wait for may be those of its own chain. @throws LeverError `overloaded` */
  #checkChained(resource: string): void {
    if (this.#instances.length === 0 || this.capacity.canScaleUp) return;
    const owner = resource === "" ? undefined : this.#ledger.ownership(resource)?.owner;
    if (owner !== undefined || this.#chooseFor(true) !== undefined) return;
    const { callsPerInstanceMax } = this.#options.limits;
    throw overloaded(
      `each instance of ${this.service} has ${callsPerInstanceMax} calls, and a call in the course of another does not wait for them`,
    );
  }

  #tooManyWait(): LeverError {
    return overloaded(`too many calls of ${this.service} wait for an instance`);
  }

  /** A cancelled call, or one past its deadline, no longer waits. */
  leaveQueue(call: SubmittedCall): void {
    const hasWaited =
      call.resource === ""
        ? this.#queue?.leave(call, this.#options.clock.now())
        : this.#resources?.leave(call);
    if (hasWaited === true) this.#waiting?.remove(call.bodyBytes);
  }

  /** Gives waiting calls, oldest first, to instances that can take them, and places resources. */
  dispatch(now: number): void {
    const queue = this.#queue;
    for (let call = queue?.first; call !== undefined; call = queue?.first) {
      const target = this.#chooseAny(call);
      if (target === undefined) break;
      queue?.take(call, now);
      this.#waiting?.remove(call.bodyBytes);
      this.#assign(call, target);
    }
    this.#resources?.place();
  }

  /** Gives waiting calls, oldest first, to other hosts that have places for them. */
  relieve(): void {
    const { clock, others } = this.#options;
    const queue = this.#queue;
    for (let call = queue?.first; call !== undefined; call = queue?.first) {
      const host = others?.choose(this, call);
      if (host === undefined) return;
      queue?.take(call, clock.now());
      this.#waiting?.remove(call.bodyBytes);
      host.give(call);
    }
  }

  /** Regular calls that its instances would take now. */
  get freePlaces(): number {
    if (this.#isQueueing) return 0;
    const { callsPerInstanceTarget } = this.capacity;
    const most = Math.min(callsPerInstanceTarget, this.#options.limits.callsPerInstanceMax);
    let free = 0;
    for (const { callsInFlight, streamsInFlight } of this.#instances) {
      free += Math.max(0, most - (callsInFlight - streamsInFlight));
    }
    return free;
  }

  get hasInstances(): boolean {
    return this.#instances.length > 0;
  }

  // Resources among the hosts of a cluster.

  /** undefined = nothing is known of it here. */
  resourcePhase(resource: string): ResourcePhase | undefined {
    return this.#resources?.ownership(resource)?.phase;
  }

  /** A claim was granted. */
  claimed(resource: string, epoch: number): void {
    this.#resources?.claimed(resource, epoch);
  }

  /** This host does not have the resource. The calls that wait for it are decided again, or refused with the error. */
  notOwned(resource: string, error?: LeverError): void {
    const calls = this.#resources?.notOwned(resource) ?? [];
    if (error !== undefined) {
      this.#refuse(calls, error);
      return;
    }
    this.#submitAgain(calls);
  }

  /** The host drains: calls that wait here go to other hosts. */
  passOn(): void {
    this.#submitAgain(this.#queue?.takeAll(this.#options.clock.now()) ?? []);
    this.#submitAgain(this.#resources?.giveUp() ?? []);
  }

  /** The host stops: calls that came in here are refused. Those that other hosts have passed on go back to them. */
  stop(error: LeverError): void {
    for (const call of this.#queue?.takeAll(this.#options.clock.now()) ?? []) {
      if (call.passMark === undefined) this.#refuse([call], error);
      else this.#submitAgain([call]);
    }
    this.#resources?.refuseWaiting(error, ({ passMark }) => passMark === undefined);
    this.#submitAgain(this.#resources?.giveUp() ?? []);
  }

  /** Calls that wait for owners on other hosts are decided again. */
  retryParked(): void {
    for (const resource of this.#resources?.parked ?? []) this.notOwned(resource);
  }

  /** The lease of this host is over. */
  hostLost(): void {
    this.#resources?.hostLost();
  }

  /** Instances that own resources. */
  get owners(): InstanceTarget[] {
    return this.#resources?.owners ?? [];
  }

  /** Refuses every waiting call, because no instance will start. */
  refuseWaiting(error: LeverError): void {
    this.#refuse(this.#queue?.takeAll(this.#options.clock.now()) ?? [], error);
    this.#resources?.refuseWaiting(error);
  }

  /** Refuses the waiting calls whose deadline passes before that. */
  refuseDueBefore(at: number, error: LeverError): void {
    const now = this.#options.clock.now();
    const isDue = (call: SubmittedCall): boolean => call.deadlineAt < at;
    const due = this.#queue?.filter(isDue) ?? [];
    for (const call of due) this.#queue?.leave(call, now);
    this.#refuse(due, error);
    this.#resources?.refuseWaiting(error, isDue);
  }

  /** Closes resources that have had no call for `resourceIdleTimeoutMs`. */
  closeIdleResources(): void {
    this.#resources?.closeIdle(
      this.#options.clock.now(),
      this.#options.limits.resourceIdleTimeoutMs,
    );
  }

  /** The service has no instances: frees the queue and the ledger, unless they are in use. */
  releaseUnused(): void {
    if (this.#waiting?.count === 0) this.#waiting = undefined;
    if (this.#queue?.size === 0) this.#queue = undefined;
    if (this.#resources?.size === 0) this.#resources = undefined;
  }

  #submitAgain(calls: readonly SubmittedCall[]): void {
    for (const call of calls) {
      this.#waiting?.remove(call.bodyBytes);
      this.submit(call);
    }
  }

  #refuse(calls: readonly SubmittedCall[], error: LeverError): void {
    for (const call of calls) {
      this.#waiting?.remove(call.bodyBytes);
      call.refuse(error);
    }
  }

  get #waitingCalls(): WaitingCalls {
    this.#waiting ??= new WaitingCalls(this.#options.waiting, this.#options.limits);
    return this.#waiting;
  }

  get #isQueueing(): boolean {
    return this.#queue !== undefined && this.#queue.size > 0;
  }

  /** A stream, and a call in the course of another, may go to instances that carry what they should. */
  #chooseAny({ isStream, parent }: SubmittedCall): InstanceTarget | undefined {
    const target = this.#chooseFor(isStream);
    return target === undefined && parent !== undefined ? this.#chooseFor(true) : target;
  }

  #chooseFor(isStream: boolean): InstanceTarget | undefined {
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
    const { clock, limits, nextEpoch, onStuck, others } = this.#options;
    this.#resources ??= createLedger({
      route: this,
      clock,
      hookTimeoutMs: limits.resourceHookTimeoutMs,
      claim: (resource) => {
        if (others === undefined) return nextEpoch();
        others.claim(this, resource);
        return undefined;
      },
      release: (resource, epoch, owner) =>
        others === undefined || others.release(this, { resource, epoch }, owner),
      prepareOwner: (owner) => others?.prepareOwner(this, owner),
      onOpen: () => {
        if (this.meter !== undefined) this.meter.resourceOpens++;
      },
      choose: () =>
        chooseForResource(this.#instances, {
          callsPerInstanceMax: limits.callsPerInstanceMax,
          resourcesOf: (target) => this.resourcesOf(target),
        }),
      assign: (call, owner) => {
        this.#waiting?.remove(call.bodyBytes);
        this.#assign(call, owner);
      },
      refuse: (calls, error) => this.#refuse(calls, error),
      onStuck: (owner, resource) => onStuck(this, owner, resource),
    });
    return this.#resources;
  }
}
