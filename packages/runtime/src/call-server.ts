import { AsyncLocalStorage } from "node:async_hooks";
import {
  type CallEvents,
  type CallOpening,
  type CallSide,
  decodeArguments,
  isStreamingName,
  LeverError,
  PAYLOAD_BYTES,
  type Payload,
  valuePayload,
} from "@leveros/protocol";
import { callbackIndex } from "./call-style.ts";
import type { Method } from "./load-service.ts";
import { ServiceStream } from "./service-stream.ts";
import { bytesForUser } from "./user-bytes.ts";

interface ServedMethod {
  readonly call: Method;
  readonly callbackIndex: number | undefined;
  readonly isStreaming: boolean;
}

const ignored: CallEvents = {
  onMessage() {},
  onEnd() {},
  onFail() {},
  onAbort() {},
  onDrain() {},
};

export interface CallServerOptions {
  readonly replyBytesMax: number;
  /** Called whenever the last call in flight is over. */
  readonly onIdle?: () => void;
  /** The service is a part of Lever: a LeverError that it throws is Lever's own answer, not a method's error. */
  readonly isPlatform?: boolean;
}

/**
 * Turns calls that arrive on a link into calls of a service's functions.
 *
 * - R1. Each call is answered at most once, whatever the function does: what comes after the first answer is logged.
 * - R2. A function that throws fails its own call and nothing else, also when it throws later in a timer.
 */
export class CallServer {
  readonly #methods = new Map<string, ServedMethod>();
  readonly #running = new AsyncLocalStorage<RunningCall>();
  readonly #options: CallServerOptions;
  #callsInFlight = 0;

  constructor(methods: ReadonlyMap<string, Method>, options: CallServerOptions) {
    for (const [name, call] of methods) {
      const isStreaming = isStreamingName(name);
      this.#methods.set(name, {
        call,
        isStreaming,
        callbackIndex: isStreaming ? undefined : callbackIndex(call),
      });
    }
    this.#options = options;
  }

  get callsInFlight(): number {
    return this.#callsInFlight;
  }

  /** Fails the call in whose course this code runs; false = it runs in none. (R2) */
  failCurrent(error: unknown): boolean {
    const running = this.#running.getStore();
    if (running === undefined) return false;
    running.fail(error);
    return true;
  }

  readonly onCall = (opening: CallOpening, side: CallSide): CallEvents => {
    const method = this.#methods.get(opening.method);
    if (method === undefined) {
      side.abort(new LeverError("unknown_method", `There is no method ${opening.method}.`));
      return ignored;
    }
    if (method.isStreaming !== opening.isStream) {
      side.abort(wrongKind(opening.method, method.isStreaming));
      return ignored;
    }
    const args = decodeArguments(opening.kind, opening.body);
    if (typeof args === "string") {
      side.abort(new LeverError("malformed_request", `Cannot call ${opening.method}: ${args}.`));
      return ignored;
    }
    if (opening.kind === PAYLOAD_BYTES) args[0] = bytesForUser(opening.body);
    if (opening.resource !== "") args.unshift(opening.resource);
    this.#callsInFlight++;
    const running = new RunningCall(opening.method, side, this.#options, () => {
      this.#callsInFlight--;
      if (this.#callsInFlight === 0) this.#options.onIdle?.();
    });
    return this.#running.run(running, () =>
      method.isStreaming ? serveStream(method, running, args) : serveRegular(method, running, args),
    );
  };
}

function serveRegular(method: ServedMethod, running: RunningCall, args: unknown[]): CallEvents {
  const index = method.callbackIndex;
  try {
    if (index !== undefined) {
      if (args.length > index) {
        throw new Error(
          `Cannot call ${running.method}: it takes ${index} argument${index === 1 ? "" : "s"}, and was given ${args.length}.`,
        );
      }
      args[index] = (error: unknown, result: unknown) => {
        if (error === null || error === undefined) running.reply(result);
        else running.fail(error);
      };
    }
    const returned = method.call(...args);
    if (isThenable(returned)) returned.then(running.reply, running.fail);
    else if (index === undefined || returned !== undefined) running.reply(returned);
  } catch (error) {
    running.fail(error);
  }
  return {
    ...ignored,
    onAbort: () => running.leave(),
  };
}

function serveStream(method: ServedMethod, running: RunningCall, args: unknown[]): CallEvents {
  const stream = new ServiceStream(running.side);
  stream.once("finish", () => running.leave());
  stream.once("error", (error) => running.fail(error));
  stream.once("close", () => {
    if (!running.isOver) running.fail(new Error("The method closed its stream before its end."));
  });
  try {
    const returned = method.call(stream, ...args);
    const whole = isIterable(returned) ? writeAll(returned, stream) : returned;
    if (isThenable(whole)) {
      whole.then(
        () => stream.end(),
        (error: unknown) => {
          running.fail(error);
          stream.destroy();
        },
      );
    }
  } catch (error) {
    running.fail(error);
    stream.destroy();
  }
  return stream;
}

/** Streams what a generator yields, as fast as it is read; a generator whose reader has left is ended. */
async function writeAll(
  messages: AsyncIterable<unknown> | Iterable<unknown>,
  stream: ServiceStream,
): Promise<void> {
  for await (const message of messages) {
    if (stream.destroyed) return;
    if (!stream.write(message)) await stream.drained();
  }
}

/** One call while its function works. */
class RunningCall {
  readonly method: string;
  readonly side: CallSide;
  readonly #options: CallServerOptions;
  readonly #onOver: () => void;
  #isOver = false;
  #hasAnswered = false;

  constructor(method: string, side: CallSide, options: CallServerOptions, onOver: () => void) {
    this.method = method;
    this.side = side;
    this.#options = options;
    this.#onOver = onOver;
  }

  readonly reply = (result: unknown): void => {
    if (!this.#finish("a result", result)) return;
    let payload: Payload;
    try {
      payload = valuePayload(result);
    } catch (error) {
      this.#sendError(error);
      return;
    }
    if (payload.bytes.length > this.#options.replyBytesMax) {
      this.side.abort(
        new LeverError(
          "too_large",
          `Cannot reply: the result of ${this.method} has ${payload.bytes.length} bytes, the limit is ${this.#options.replyBytesMax}.`,
        ),
      );
      return;
    }
    this.side.send(payload.kind, payload.bytes, true);
  };

  readonly fail = (error: unknown): void => {
    if (this.#finish("an error", error)) this.#sendError(error);
  };

  get isOver(): boolean {
    return this.#isOver;
  }

  /** The call is over without an answer of its own. */
  leave(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onOver();
  }

  #sendError(error: unknown): void {
    if (this.#options.isPlatform === true && isPlatformError(error)) {
      this.side.abort(error);
      return;
    }
    const { kind, bytes } = errorPayload(error);
    this.side.fail(kind, bytes);
  }

  /** R1. */
  #finish(what: string, value: unknown): boolean {
    if (!this.#isOver) {
      this.leave();
      this.#hasAnswered = true;
      return true;
    }
    // Of a call whose caller has left, an error is only to be expected.
    if (this.#hasAnswered && value instanceof Error) {
      console.error(`${this.method} gave ${what} after its call was over:`, value);
    }
    return false;
  }
}

function isPlatformError(error: unknown): error is LeverError {
  return error instanceof LeverError && error.code !== "method_failed";
}

/** An error's value as callers get it: an Error's message, the original value of a remote error, anything else as it is. */
function errorPayload(error: unknown): Payload {
  if (error instanceof LeverError && error.code === "method_failed")
    return valuePayload(error.value);
  if (error instanceof Error) return valuePayload(error.message);
  try {
    return valuePayload(error);
  } catch {
    return valuePayload(String(error));
  }
}

function wrongKind(method: string, isStreaming: boolean): LeverError {
  const [is, not] = isStreaming ? ["streaming", "regular"] : ["regular", "streaming"];
  return new LeverError(
    "wrong_method_kind",
    `${method} is a ${is} method, and was called as a ${not} one.`,
  );
}

/** What generators return; an array is a value like any other, and a stream's value has no meaning. */
function isIterable(value: unknown): value is AsyncIterable<unknown> | Iterable<unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Symbol.asyncIterator in value || (Symbol.iterator in value && "next" in value);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    "then" in value &&
    typeof value.then === "function"
  );
}
