import type { Callee, LeverError } from "@leveros/protocol";
import { chooseInstance } from "./choose-instance.ts";

/** An instance as the router sees it. */
export interface InstanceTarget {
  readonly instance: string;
  readonly version: number;
  readonly callee: Callee;
  callsInFlight: number;
}

/** A call that waits for an instance. */
export interface WaitingCall {
  readonly bodyBytes: number;
  /** Goes to this instance now. */
  assign(target: InstanceTarget): void;
  refuse(error: LeverError): void;
}

export interface RouteLimits {
  readonly callsPerInstanceMax: number;
  readonly queuedCallsMax: number;
  readonly queuedBytesMax: number;
}

/** What a live version promises to callers. */
export interface LiveVersion {
  readonly version: number;
  readonly isPrivate: boolean;
  /** undefined = not known: any name that may be a method's. */
  readonly methods: ReadonlySet<string> | undefined;
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
  readonly #limits: RouteLimits;
  readonly #instances: InstanceTarget[] = [];
  #waiting: Set<WaitingCall> = new Set();
  #waitingBytes = 0;
  #turn = 0;
  /** On every instance, also on those that leave. */
  #callsBegun = 0;

  constructor(
    name: { environment: string; service: string },
    live: LiveVersion,
    options: { limits: RouteLimits; now: number },
  ) {
    this.environment = name.environment;
    this.service = name.service;
    this.live = live;
    this.#limits = options.limits;
    this.lastUsedAt = options.now;
  }

  get callsWaiting(): number {
    return this.#waiting.size;
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

  /** A call goes to this instance. */
  begin(target: InstanceTarget): void {
    target.callsInFlight++;
    this.#callsBegun++;
  }

  /** A call is over: another one may have its place. */
  end(target: InstanceTarget): void {
    target.callsInFlight--;
    this.#callsBegun--;
    if (this.#waiting.size > 0) this.dispatch();
  }

  choose(): InstanceTarget | undefined {
    const { callsPerInstanceMax } = this.#limits;
    return chooseInstance(this.#instances, { callsPerInstanceMax, turn: this.#turn++ });
  }

  add(target: InstanceTarget): void {
    this.#instances.push(target);
    this.dispatch();
  }

  /** The instance gets no new calls; those it has go on. */
  remove(target: InstanceTarget): void {
    const index = this.#instances.indexOf(target);
    if (index !== -1) this.#instances.splice(index, 1);
  }

  /** False = the queue is full. */
  wait(call: WaitingCall): boolean {
    const bytes = this.#waitingBytes + call.bodyBytes;
    if (this.#waiting.size >= this.#limits.queuedCallsMax) return false;
    if (bytes > this.#limits.queuedBytesMax) return false;
    this.#waiting.add(call);
    this.#waitingBytes = bytes;
    return true;
  }

  /** The call waits no longer: it was cancelled, or its time is up. */
  leaveQueue(call: WaitingCall): void {
    if (this.#waiting.delete(call)) this.#waitingBytes -= call.bodyBytes;
  }

  /** Gives waiting calls, oldest first, to instances with room. */
  dispatch(): void {
    for (const call of this.#waiting) {
      const target = this.choose();
      if (target === undefined) return;
      this.leaveQueue(call);
      call.assign(target);
    }
  }

  /** Refuses every waiting call: no instance will come. */
  refuseWaiting(error: LeverError): void {
    const calls = [...this.#waiting];
    this.#waiting = new Set();
    this.#waitingBytes = 0;
    for (const call of calls) call.refuse(error);
  }
}
