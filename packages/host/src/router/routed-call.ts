// One class, although long: each ending of a call changes all of its state.

import {
  type Caller,
  type CallHandle,
  type CallListener,
  type CallRequest,
  cancelled,
  type Declined,
  EarlyMessages,
  formatCallId,
  LeverError,
  type MessageKind,
  PAYLOAD_LINES,
  type PassMark,
  type PayloadKind,
  type TraceContext,
  type WaitTimes,
} from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import { type Outcome, outcomes } from "../metrics/outcome.ts";
import type { ServiceMeter } from "../metrics/service-meter.ts";
import type { SubmittedCall } from "./call.ts";
import type { CallFailure, RecordedCall } from "./call-recorder.ts";
import type { ChainLink, Ownership, RoutedRequest } from "./chain-link.ts";
import { countLines } from "./count-lines.ts";
import { isHttpRequest } from "./http-request.ts";
import type { InstanceTarget } from "./instance-target.ts";
import type { Lease } from "./lease.ts";
import { outcomeOf } from "./outcome-of.ts";
import type { ServiceRoute } from "./service-route.ts";
import { startWaitedFor } from "./start-waited-for.ts";

/**
 * One call on its way through the router: between the caller's side and an instance's, or waiting for an instance.
 *
 * - C1. The caller receives exactly one ending: `onEnd`, `onFail` or `onAbort`.
 * - C2. An instance's count of calls in flight goes up once and down once.
 * - M1. It is counted once, when it ends (`host/metrics`). Of a call that was passed on, the host counts at which it came in.
 */
export class RoutedCall implements CallHandle, CallListener, SubmittedCall, RecordedCall {
  readonly number: number;
  readonly root: number;
  readonly isSampled: boolean;
  readonly trace: TraceContext | undefined;
  readonly arrivedAt: number;
  endedAt = 0;
  waitTimes: WaitTimes | undefined;
  isNotable = false;
  readonly bodyBytes: number;
  readonly resource: string;
  readonly isStream: boolean;
  readonly passMark: PassMark | undefined;
  readonly parent: ChainLink | undefined;
  readonly depth: number;
  readonly route: ServiceRoute;
  readonly #request: CallRequest;
  readonly #caller: CallListener;
  readonly #clock: Clock;
  /** 0 = no deadline. */
  readonly #deadlineAt: number;
  #timer: unknown;
  #isOver = false;
  #hasMore: boolean;
  #lease: Lease | undefined;
  #waitingSince: number | undefined;
  #callee: CallHandle | undefined;
  /** Takes the caller's messages: the callee, once it cannot decline the call any more. */
  #receiver: CallHandle | undefined;
  declines = 0;
  /** Messages of a stream from before it had a receiver: at most what the caller's window allows. */
  #early: EarlyMessages | undefined;
  #isPaused = false;
  #wasUnread = false;
  /** Messages have gone to its instance. */
  #hasSent = false;

  constructor(
    route: ServiceRoute,
    request: RoutedRequest,
    options: { caller: CallListener; hasMore: boolean; clock: Clock },
  ) {
    this.route = route;
    this.#request = request;
    this.#caller = options.caller;
    this.#hasMore = options.hasMore;
    this.#clock = options.clock;
    this.bodyBytes = request.body.length;
    this.resource = request.target.resource;
    this.isStream = request.isStream;
    this.passMark = request.passedOn?.mark;
    const parent = request.parentCall;
    const number = request.number ?? 0;
    this.parent = parent;
    this.depth = 1 + (parent?.depth ?? 0);
    this.number = number;
    this.root = request.root ?? number;
    this.trace = request.trace;
    this.isSampled =
      request.isSampled === true ||
      (parent === undefined && route.recorder?.isSampled(number) === true);
    const { timeoutMs } = request;
    this.arrivedAt = options.clock.now();
    this.#deadlineAt = timeoutMs === 0 ? 0 : this.arrivedAt + timeoutMs;
    if (timeoutMs > 0) {
      this.#timer = options.clock.setTimeout(() => this.#onDeadline(), timeoutMs);
    }
  }

  get methodName(): string {
    return this.route.methodName(this.#request.target.method);
  }

  get caller(): Caller {
    return this.#request.caller;
  }

  get instance(): InstanceTarget | undefined {
    return this.#lease?.target;
  }

  get isRequest(): boolean {
    return isHttpRequest(this.#request);
  }

  get hasWaited(): boolean {
    return this.#waitingSince !== undefined;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  // The caller's side.

  send(kind: MessageKind, bytes: Uint8Array, isLast = false, release?: () => void): boolean {
    if (this.#isOver || !this.#hasMore) return true;
    if (isLast) this.#hasMore = false;
    this.#meter?.received(bytes.length, kind === PAYLOAD_LINES ? countLines(bytes) : 1);
    if (this.#receiver !== undefined) {
      this.#hasSent = true;
      return this.#receiver.send(kind, bytes, isLast, release);
    }
    this.#early ??= new EarlyMessages();
    this.#early.push(kind, bytes);
    return false;
  }

  end(): void {
    if (!this.#hasMore) return;
    this.#hasMore = false;
    this.#receiver?.end();
  }

  /** A caller that fails cancels the call. Its error value is not passed on. */
  fail(): void {
    this.abort(cancelled("callerFailed"));
  }

  abort(error: LeverError): void {
    if (!this.#finish(outcomeOf(error), error)) return;
    this.route.leaveQueue(this);
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

  // The route's side.

  wait(now: number): void {
    this.#waitingSince ??= now;
  }

  assign(lease: Lease): void {
    this.#lease = lease;
    const { target } = lease;
    if (this.#waitingSince !== undefined && this.waitTimes === undefined) {
      const since = this.#waitingSince;
      const waitMs = this.#clock.now() - since;
      this.#meter?.waited(waitMs);
      this.waitTimes = { waitMs, start: startWaitedFor(target, since) };
      this.#caller.onAssigned?.(this.waitTimes);
    } else if (this.passMark !== undefined && this.isStream) {
      // The host that has passed it on keeps its messages until then.
      this.#caller.onAssigned?.({ waitMs: 0, start: undefined });
    }
    if (target.isHost === true) {
      this.#passOn(target);
      return;
    }
    // An early half-close must come after the early messages.
    const hasEarly = this.#early !== undefined;
    const callee = target.callee.open(this.#requestWithTimeLeft(), this, this.#hasMore || hasEarly);
    if (this.#isOver) return;
    this.#callee = callee;
    if (this.#isPaused) callee.pause();
    this.#sendEarly(callee, hasEarly);
  }

  #sendEarly(receiver: CallHandle, isEndEarly: boolean): void {
    this.#receiver = receiver;
    this.#hasSent ||= this.#early !== undefined;
    this.#early?.sendTo(receiver);
    this.#early = undefined;
    if (isEndEarly && !this.#hasMore) receiver.end();
    if (this.#hasMore) this.#caller.onDrain();
  }

  /** The messages of a stream follow when the other host has taken it. */
  #passOn({ callee }: InstanceTarget): void {
    const request = this.#requestWithTimeLeft();
    // The body is kept, so that the call can go elsewhere.
    const kept = request.release === undefined ? request : { ...request, release: undefined };
    const side = callee.open(kept, this, this.isStream);
    if (this.#isOver || this.#lease?.target.callee !== callee) return;
    this.#callee = side;
    if (this.#isPaused) side.pause();
  }

  decline(declined: Declined): void {
    if (this.#finish(outcomes.refused)) this.#caller.onDeclined?.(declined);
  }

  refuse(error: LeverError): void {
    if (!this.#finish(outcomeOf(error), error)) return;
    this.#callee?.abort(error);
    this.#caller.onAbort(this.#forCaller(error));
  }

  /** When its deadline passes, by the router's clock. Infinity = it has none. */
  get deadlineAt(): number {
    return this.#deadlineAt === 0 ? Number.POSITIVE_INFINITY : this.#deadlineAt;
  }

  // As the parent of further calls.

  isOn(target: InstanceTarget): boolean {
    return !this.#isOver && this.#lease?.target === target;
  }

  usesOwnership({ route, resource, epoch }: Ownership): "call" | undefined {
    const isIts = this.#lease?.epoch === epoch && this.resource === resource;
    return isIts && this.route === route ? "call" : undefined;
  }

  // The instance's side.

  onMessage(kind: PayloadKind, bytes: Uint8Array): void {
    if (this.#isOver) return;
    this.#meter?.sent(bytes.length, this.isStream ? 1 : 0);
    this.#caller.onMessage(kind, bytes);
  }

  onEnd(): void {
    if (!this.#finish(outcomes.ok)) return;
    // A service that has ended its stream is done with the call: what the caller still sends has no reader.
    if (this.#hasMore) this.#callee?.end();
    if (this.#lease !== undefined) this.#lease.target.hasServed = true;
    this.#caller.onEnd();
  }

  onFail(kind: PayloadKind, bytes: Uint8Array): void {
    if (!this.#finish(outcomes.error, { kind, bytes })) return;
    if (this.#lease !== undefined) this.#lease.target.hasServed = true;
    this.#caller.onFail(kind, bytes);
  }

  onAbort(error: LeverError): void {
    if (this.#finish(outcomeOf(error), error)) this.#caller.onAbort(this.#forCaller(error));
  }

  /** Its instance died before it had read the call: another instance gets it, once. */
  onUnread(error: LeverError): void {
    const lease = this.#lease;
    // Messages that were sent are gone, and so is a body whose memory was released. Of a call for another host, all is kept.
    const canRepeat =
      lease?.target.isHost === true
        ? this.#receiver === undefined
        : !this.#hasSent && this.#request.release === undefined;
    if (this.#isOver || lease === undefined || this.#wasUnread || !canRepeat) {
      this.onAbort(error);
      return;
    }
    this.#wasUnread = true;
    this.#submitAgain(lease);
  }

  /** Another host has taken the call. */
  onAssigned(waitTimes: WaitTimes): void {
    if (this.#isOver || this.#callee === undefined || this.#receiver !== undefined) return;
    if (waitTimes.waitMs > 0 && this.waitTimes === undefined) {
      this.waitTimes = waitTimes;
      this.#caller.onAssigned?.(waitTimes);
    }
    if (this.isStream) this.#sendEarly(this.#callee, true);
  }

  /** Another host does not take the call. */
  onDeclined(): void {
    const lease = this.#lease;
    if (this.#isOver || lease === undefined) return;
    this.declines++;
    this.#callee?.abort(cancelled("caller"));
    this.#submitAgain(lease);
  }

  #submitAgain(lease: Lease): void {
    this.#lease = undefined;
    this.#callee = undefined;
    this.#receiver = undefined;
    lease.end(this.#clock.now());
    this.route.submit(this);
  }

  onDrain(): void {
    if (!this.#isOver) this.#caller.onDrain();
  }

  /** With the id of the call; without the output of the service, for callers who may not see it. */
  #forCaller(error: LeverError): LeverError {
    const { publicMessage } = error;
    const { caller } = this.#request;
    const id = formatCallId(this.number);
    if (publicMessage === undefined || (caller.kind === "outside" && caller.mayReadLogs)) {
      return error.ofCall(id);
    }
    const { code, retryAfterSeconds } = error;
    return new LeverError(code, publicMessage, { retryAfterSeconds, call: id });
  }

  #requestWithTimeLeft(): CallRequest {
    const { isSampled } = this;
    const hasWaited = this.#deadlineAt > 0 && this.#waitingSince !== undefined;
    if (!hasWaited && isSampled === (this.#request.isSampled === true)) return this.#request;
    if (!hasWaited) return { ...this.#request, isSampled };
    const timeoutMs = Math.max(1, this.#deadlineAt - this.#clock.now());
    return { ...this.#request, isSampled, timeoutMs };
  }

  #onDeadline(): void {
    const { timeoutMs, target } = this.#request;
    const isWaiting = this.#callee === undefined;
    const where = isWaiting ? "while it waited for an instance" : "in the method";
    const { service } = this.route;
    const why = isWaiting ? this.#whyItWaits() : "";
    const error = new LeverError(
      "deadline_exceeded",
      `Cannot finish the call of ${service}/${target.method}: its ${timeoutMs} ms were over ${where}.${why}`,
      { call: formatCallId(this.number) },
    );
    if (!this.#finish(outcomes.timeout, error)) return;
    this.route.leaveQueue(this);
    this.#callee?.abort(error);
    this.#caller.onAbort(error);
  }

  /** A sentence to add; `""` = there is nothing to say. */
  #whyItWaits(): string {
    const { whyNoInstance, isFull } = this.route;
    if (whyNoInstance !== undefined) {
      return ` The last one failed: ${this.#forCaller(whyNoInstance).message}`;
    }
    return isFull
      ? " Its instances were full, and no more may start (maxInstances). If they wait for calls that they make to this service through the public port, make those by Lever's client instead: they need no free place."
      : "";
  }

  /** C1, C2, M1. False = it was over already. */
  #finish(outcome: Outcome, failure?: CallFailure): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#clock.clearTimeout(this.#timer);
    this.#early = undefined;
    const now = this.#clock.now();
    this.route.lastUsedAt = now;
    this.endedAt = now;
    if (this.passMark === undefined) this.#count(outcome, failure, now);
    this.#lease?.end(now);
    return true;
  }

  /** M1. */
  #count(outcome: Outcome, failure: CallFailure | undefined, now: number): void {
    const meter = this.route.methodMeter(this.#request);
    meter?.count(outcome, now - this.arrivedAt);
    this.route.meter?.received(this.bodyBytes, 0);
    this.route.recorder?.record(this, failure, meter);
  }

  get #meter(): ServiceMeter | undefined {
    return this.passMark === undefined ? this.route.meter : undefined;
  }
}
