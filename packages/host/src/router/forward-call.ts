import {
  type CallHandle,
  type CallListener,
  cancelled,
  closedSide,
  type Declined,
  formatCallId,
  ignoredEvents,
  type LeverError,
  type LinkedSide,
  type MessageKind,
  PAYLOAD_LINES,
  type PayloadKind,
  type WaitTimes,
} from "@leveros/protocol";
import { asLeverError } from "../logs/as-lever-error.ts";
import type { Log } from "../logs/log.ts";
import type { RoutedRequest } from "./chain-link.ts";

export interface ForwardOptions {
  /** Gets the calls. */
  readonly target: {
    open(request: RoutedRequest, listener: CallListener, hasMore: boolean): CallHandle;
  };
  /**
   * True when the link's other end is a process of this host: it learns how long a call waited, and its errors are passed
   * on as they are. An error of any other peer only cancels the call.
   */
  readonly isTrusted: boolean;
  /** The other end is a host that learns why a call of it was declined. Default: none is. */
  readonly onDeclined?: (side: LinkedSide, declined: Declined) => void;
  readonly log: Log;
}

/**
 * Passes a call that arrived over a link on to a target, with backpressure both ways. `side` is the caller's side.
 * Returns the listener for what the caller sends after the request.
 */
export function forwardCall(
  request: RoutedRequest,
  side: LinkedSide,
  options: ForwardOptions,
): CallListener {
  const { target, isTrusted, log } = options;
  const replies = new Replies(side, request, options);
  try {
    // A regular call has arrived whole.
    const call = target.open(request, replies, request.isStream);
    replies.call = call;
    return new CallerMessages(call, side, isTrusted);
  } catch (error) {
    // A fault of one call must not end the link with all the others.
    side.abort(asLeverError(error, log, "router"));
    return ignoredEvents;
  }
}

/** Sends what the method answers to the caller. */
class Replies implements CallListener {
  /** Without effect until `target.open` has returned. */
  call: CallHandle = closedSide;
  readonly #side: LinkedSide;
  readonly #isStream: boolean;
  readonly #number: number;
  readonly #options: ForwardOptions;

  constructor(
    side: LinkedSide,
    { isStream, number = 0 }: Pick<RoutedRequest, "isStream" | "number">,
    options: ForwardOptions,
  ) {
    this.#side = side;
    this.#isStream = isStream;
    this.#number = number;
    this.#options = options;
  }

  onAssigned(waitTimes: WaitTimes): void {
    if (this.#options.isTrusted) this.#side.sendAssigned(waitTimes);
  }

  onMessage(kind: PayloadKind, bytes: Uint8Array): void {
    // A regular call has one reply, so its end goes in the same frame.
    if (!this.#side.send(kind, bytes, !this.#isStream)) this.call.pause();
  }

  onEnd(): void {
    this.#side.end();
    // No reader is left for what the caller still sends. It is let through so that the caller can end.
    if (this.#isStream) this.#side.resume();
  }

  onFail(kind: PayloadKind, bytes: Uint8Array): void {
    // A process of this host has numbered the call itself.
    const id = this.#options.isTrusted ? undefined : formatCallId(this.#number);
    this.#side.fail(kind, bytes, id);
  }

  onAbort(error: LeverError): void {
    this.#side.abort(error);
  }

  onDeclined(declined: Declined): void {
    this.#options.onDeclined?.(this.#side, declined);
  }

  onDrain(): void {
    this.#side.resume();
  }
}

/** Sends what the caller sends to the method. */
class CallerMessages implements CallListener {
  readonly #call: CallHandle;
  readonly #side: CallHandle;
  readonly #isTrusted: boolean;

  constructor(call: CallHandle, side: CallHandle, isTrusted: boolean) {
    this.#call = call;
    this.#side = side;
    this.#isTrusted = isTrusted;
  }

  onMessage(kind: MessageKind, bytes: Uint8Array): void {
    if (!this.#call.send(kind, bytes)) this.#side.pause();
  }

  onLines(bytes: Uint8Array): void {
    this.onMessage(PAYLOAD_LINES, bytes);
  }

  onEnd(): void {
    this.#call.end();
  }

  onFail(kind: PayloadKind, bytes: Uint8Array): void {
    this.#call.fail(kind, bytes);
  }

  onAbort(error: LeverError): void {
    this.#call.abort(this.#isTrusted ? error : cancelled("caller"));
  }

  onDrain(): void {
    this.#call.resume();
  }
}
