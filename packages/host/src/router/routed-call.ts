import {
  type CallHandle,
  type CallListener,
  type CallOpening,
  LeverError,
  type PayloadKind,
  type StartTimes,
} from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import type { InstanceTarget, ServiceRoute, WaitingCall } from "./service-route.ts";

/** Of a call that found no instance with room. */
export interface WaitTimes {
  /** From its arrival at the router until it went to an instance. */
  readonly waitMs: number;
  /** Of that instance, which may have been there for long. */
  readonly start: StartTimes | undefined;
}

/**
 * One call on its way through the router: between the caller's side and an instance's, or waiting for an instance.
 *
 * - C1. The caller hears exactly one ending: `onEnd`, `onFail` or `onAbort`.
 * - C2. An instance's count of calls in flight goes up once and down once.
 */
export class RoutedCall implements CallHandle, CallListener, WaitingCall {
  readonly bodyBytes: number;
  readonly resource: string;
  readonly isStream: boolean;
  /** What the call waited for, when it had to wait. */
  waitTimes: WaitTimes | undefined;
  readonly #route: ServiceRoute;
  readonly #opening: CallOpening;
  readonly #caller: CallListener;
  readonly #clock: Clock;
  readonly #deadlineAt: number;
  #timer: unknown;
  #isOver = false;
  #hasMore: boolean;
  #target: InstanceTarget | undefined;
  /** Of its resource's ownership. */
  #epoch = 0;
  #waitingSince: number | undefined;
  #callee: CallHandle | undefined;
  /** What the caller of a stream sent before there was an instance: at most what its own window allows. */
  #early: { kind: PayloadKind; bytes: Uint8Array }[] = [];
  #isPaused = false;

  constructor(
    route: ServiceRoute,
    opening: CallOpening,
    options: { caller: CallListener; hasMore: boolean; clock: Clock },
  ) {
    this.#route = route;
    this.#opening = opening;
    this.#caller = options.caller;
    this.#hasMore = options.hasMore;
    this.#clock = options.clock;
    this.bodyBytes = opening.body.length;
    this.resource = opening.resource;
    this.isStream = opening.isStream;
    const { timeoutMs } = opening;
    this.#deadlineAt = timeoutMs === 0 ? 0 : options.clock.now() + timeoutMs;
    if (timeoutMs > 0) {
      this.#timer = options.clock.setTimeout(() => this.#onDeadline(), timeoutMs);
    }
  }

  // The caller's side.

  send(kind: PayloadKind, bytes: Uint8Array, isLast = false): boolean {
    if (this.#isOver || !this.#hasMore) return true;
    if (isLast) this.#hasMore = false;
    if (this.#callee !== undefined) return this.#callee.send(kind, bytes, isLast);
    this.#early.push({ kind, bytes });
    return false;
  }

  end(): void {
    if (!this.#hasMore) return;
    this.#hasMore = false;
    this.#callee?.end();
  }

  /** A caller that fails leaves; what it failed with is its own affair. */
  fail(): void {
    this.abort(new LeverError("cancelled", "The caller failed and left."));
  }

  abort(error: LeverError): void {
    if (!this.#finish()) return;
    this.#route.leaveQueue(this);
    this.#callee?.abort(error);
  }

  pause(): void {
    this.#isPaused = true;
    this.#callee?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#callee?.resume();
  }

  // The queue's side.

  /** It waits from now on. */
  waits(): void {
    this.#waitingSince = this.#clock.now();
  }

  assign(target: InstanceTarget): void {
    if (this.#isOver) return;
    if (this.#waitingSince !== undefined) {
      const waitMs = this.#clock.now() - this.#waitingSince;
      this.waitTimes = { waitMs, start: target.start };
    }
    this.#target = target;
    this.#epoch = this.#route.begin(target, this);
    // An early half-close must come after the early messages.
    const hasEarly = this.#early.length > 0;
    const callee = target.callee.open(this.#openingWithTimeLeft(), this, this.#hasMore || hasEarly);
    if (this.#isOver) return;
    this.#callee = callee;
    if (this.#isPaused) callee.pause();
    for (const { kind, bytes } of this.#early) callee.send(kind, bytes);
    this.#early = [];
    if (hasEarly && !this.#hasMore) callee.end();
    if (this.#hasMore) this.#caller.onDrain();
  }

  refuse(error: LeverError): void {
    if (this.#finish()) this.#caller.onAbort(error);
  }

  // The instance's side.

  onMessage(kind: PayloadKind, bytes: Uint8Array): void {
    if (!this.#isOver) this.#caller.onMessage(kind, bytes);
  }

  onEnd(): void {
    if (!this.#finish()) return;
    // A service that has ended its stream is done with the call: what the caller still sends has no reader.
    if (this.#hasMore) this.#callee?.end();
    if (this.#target !== undefined) this.#target.hasServed = true;
    this.#caller.onEnd();
  }

  onFail(kind: PayloadKind, bytes: Uint8Array): void {
    if (!this.#finish()) return;
    if (this.#target !== undefined) this.#target.hasServed = true;
    this.#caller.onFail(kind, bytes);
  }

  onAbort(error: LeverError): void {
    if (this.#finish()) this.#caller.onAbort(error);
  }

  onDrain(): void {
    if (!this.#isOver) this.#caller.onDrain();
  }

  #openingWithTimeLeft(): CallOpening {
    if (this.#deadlineAt === 0 || this.#waitingSince === undefined) return this.#opening;
    const timeoutMs = Math.max(1, this.#deadlineAt - this.#clock.now());
    return { ...this.#opening, timeoutMs };
  }

  #onDeadline(): void {
    const { method, timeoutMs } = this.#opening;
    const where = this.#callee === undefined ? "while it waited for an instance" : "in the method";
    const error = new LeverError(
      "deadline_exceeded",
      `Cannot finish the call of ${this.#route.service}/${method}: its ${timeoutMs} ms were over ${where}.`,
    );
    if (!this.#finish()) return;
    this.#route.leaveQueue(this);
    this.#callee?.abort(error);
    this.#caller.onAbort(error);
  }

  /** C1, C2. False = it was over already. */
  #finish(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#clock.clearTimeout(this.#timer);
    this.#early = [];
    const now = this.#clock.now();
    this.#route.lastUsedAt = now;
    if (this.#target !== undefined) {
      const { resource, isStream } = this;
      this.#route.end(this.#target, { resource, isStream, epoch: this.#epoch, now });
    }
    return true;
  }
}
