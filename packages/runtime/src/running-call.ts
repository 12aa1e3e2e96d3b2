import {
  type ActiveCall,
  type CallContext,
  type CallHandle,
  type CallListener,
  type CallRequest,
  LeverError,
  type Payload,
  processMs,
  valuePayload,
} from "@leveros/protocol";

export interface CallServerOptions {
  readonly replyBytesMax: number;
  /** Called whenever the last call in flight is over. */
  readonly onIdle?: () => void;
  /** The service is a part of Lever: a LeverError that it throws is Lever's own answer, not a method's error. */
  readonly isPlatform?: boolean;
  /** What the calls' contexts say of the instance. */
  readonly self?: Pick<CallContext, "environment" | "service" | "version" | "instance">;
}

/** What a call tells the server that runs it. */
export interface RunningCallOwner extends CallServerOptions {
  /** The call is over for its caller. */
  onOver(): void;
  /** The function that worked for a resource has come to its end, which may be later. */
  onSettled(resource: string): void;
  epochOf(resource: string): number | undefined;
}

/** One call while its function works. It is answered at most once (R1). */
export class RunningCall implements ActiveCall, CallListener {
  readonly environment: string;
  readonly service: string;
  readonly version: number;
  readonly instance: string;
  readonly method: string;
  readonly resource: string;
  readonly epoch: number | undefined;
  readonly caller: CallContext["caller"];
  readonly side: CallHandle;
  /** By the process's clock; 0 = none. */
  readonly #deadlineAt: number;
  #leaving: AbortController | undefined;
  #leftBy: LeverError | undefined;
  /** What is to hear that the caller has left; made when somebody asks for it, as is the signal: most calls never do. */
  #leaveListeners: Set<() => void> | undefined;
  readonly #owner: RunningCallOwner;
  readonly #isStream: boolean;
  #isSettled = false;
  #isOver = false;
  #hasAnswered = false;

  constructor(request: CallRequest, side: CallHandle, owner: RunningCallOwner) {
    const { self } = owner;
    this.environment = self?.environment ?? "";
    this.service = self?.service ?? "";
    this.version = self?.version ?? 0;
    this.instance = self?.instance ?? "";
    const { caller, target, timeoutMs } = request;
    this.method = target.method;
    this.resource = target.resource;
    this.caller =
      caller.kind === "service"
        ? { environment: caller.environment, service: caller.service }
        : undefined;
    this.side = side;
    this.#owner = owner;
    this.#isStream = request.isStream;
    this.epoch = target.resource === "" ? undefined : owner.epochOf(target.resource);
    this.#deadlineAt = timeoutMs === 0 ? 0 : processMs() + timeoutMs;
  }

  get timeLeftMs(): number | undefined {
    if (this.#deadlineAt === 0) return undefined;
    return Math.max(0, this.#deadlineAt - processMs());
  }

  get signal(): AbortSignal {
    this.#leaving ??= new AbortController();
    if (this.#leftBy !== undefined) this.#leaving.abort(this.#leftBy);
    return this.#leaving.signal;
  }

  get isCancelled(): boolean {
    return this.#leftBy !== undefined;
  }

  onCancel(listener: () => void): void {
    this.#leaveListeners ??= new Set();
    this.#leaveListeners.add(listener);
  }

  offCancel(listener: () => void): void {
    this.#leaveListeners?.delete(listener);
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
    if (payload.bytes.length > this.#owner.replyBytesMax) {
      this.side.abort(
        new LeverError(
          "too_large",
          `Cannot reply: the result of ${this.method} has ${payload.bytes.length} bytes, the limit is ${this.#owner.replyBytesMax}.`,
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

  // A regular call hears nothing more of its caller but that it has left.
  onMessage(): void {}
  onEnd(): void {}
  onFail(): void {}
  onDrain(): void {}
  onAbort(error: LeverError): void {
    this.cancel(error);
  }

  /** The caller has left, or the deadline is over. */
  cancel(error: LeverError): void {
    if (this.#isOver) return;
    this.#leftBy = error;
    this.leave();
    this.#leaving?.abort(error);
    const listeners = this.#leaveListeners;
    this.#leaveListeners = undefined;
    for (const listener of listeners ?? []) listener();
  }

  /** The call is over without an answer of its own. */
  leave(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#owner.onOver();
  }

  /** The function has come to its end, whether or not anybody still waited for it. */
  settle(): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    if (this.resource !== "") this.#owner.onSettled(this.resource);
  }

  #sendError(error: unknown): void {
    if (this.#owner.isPlatform === true && isPlatformError(error)) {
      this.side.abort(error);
      return;
    }
    const { kind, bytes } = errorPayload(error);
    this.side.fail(kind, bytes);
  }

  /** R1. */
  #finish(what: string, value: unknown): boolean {
    // The function of a stream may go on after its answer.
    if (!this.#isStream) this.settle();
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
