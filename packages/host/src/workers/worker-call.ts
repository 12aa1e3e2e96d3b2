import {
  type CallHandle,
  type CallListener,
  type CallOpening,
  closedSide,
  ignoredEvents,
  type LeverError,
  type LinkedSide,
  type PayloadKind,
} from "@leveros/protocol";
import type { WaitTimes } from "../router/routed-call.ts";
import type { CallRouter, OpenCall } from "../router/router.ts";
import { readNames } from "./call-names.ts";

/** What a worker's calls need of the host. */
export interface WorkerCallOptions {
  readonly router: Pick<CallRouter, "call">;
  /** Tells the worker, before the first message, what the call had to wait for. */
  readonly sendWaitTimes: (call: number, waitTimes: WaitTimes) => void;
  readonly asLeverError: (error: unknown) => LeverError;
}

/**
 * Passes a call that came in at a worker on to the router, with backpressure both ways. The worker has let it pass: who
 * makes it is as the worker says.
 */
export function routeWorkerCall(
  opening: CallOpening,
  side: LinkedSide,
  options: WorkerCallOptions,
): CallListener {
  const { isStream, timeoutMs, kind, body } = opening;
  const replies = new Replies(side, isStream, options);
  try {
    const request = { ...readNames(opening), isStream, timeoutMs, kind, body, hasMore: isStream };
    replies.call = options.router.call(request, replies);
  } catch (error) {
    side.abort(options.asLeverError(error));
    return ignoredEvents;
  }
  return new Sayings(replies.call, side);
}

const unopenedSide: OpenCall = { ...closedSide, waitTimes: undefined };

/** What the router's call answers goes to the worker. */
class Replies implements CallListener {
  call: OpenCall = unopenedSide;
  readonly #side: LinkedSide;
  readonly #isStream: boolean;
  readonly #options: WorkerCallOptions;
  #hasBegun = false;

  constructor(side: LinkedSide, isStream: boolean, options: WorkerCallOptions) {
    this.#side = side;
    this.#isStream = isStream;
    this.#options = options;
  }

  onMessage(kind: PayloadKind, bytes: Uint8Array): void {
    this.#begin();
    // A regular call has one reply, so its end can go in the same frame.
    if (!this.#side.send(kind, bytes, !this.#isStream)) this.call.pause();
  }

  onEnd(): void {
    this.#begin();
    this.#side.end();
    // What the caller still says has no reader, and is let pass so that it ends.
    if (this.#isStream) this.#side.resume();
  }

  onFail(kind: PayloadKind, bytes: Uint8Array): void {
    this.#side.fail(kind, bytes);
  }

  onAbort(error: LeverError): void {
    this.#side.abort(error);
  }

  onDrain(): void {
    this.#side.resume();
  }

  #begin(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    const { waitTimes } = this.call;
    if (waitTimes !== undefined) this.#options.sendWaitTimes(this.#side.id, waitTimes);
  }
}

/** What the caller says further goes to the router's call. */
class Sayings implements CallListener {
  readonly #call: CallHandle;
  readonly #side: CallHandle;

  constructor(call: CallHandle, side: CallHandle) {
    this.#call = call;
    this.#side = side;
  }

  onMessage(kind: PayloadKind, bytes: Uint8Array): void {
    if (!this.#call.send(kind, bytes)) this.#side.pause();
  }

  onEnd(): void {
    this.#call.end();
  }

  onFail(kind: PayloadKind, bytes: Uint8Array): void {
    this.#call.fail(kind, bytes);
  }

  onAbort(error: LeverError): void {
    this.#call.abort(error);
  }

  onDrain(): void {
    this.#call.resume();
  }
}
