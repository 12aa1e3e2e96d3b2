import {
  type ActiveCall,
  type Assignment,
  type CallContext,
  type CallHandle,
  type CallListener,
  type CallRequest,
  formatCallId,
  formatTraceparent,
  LeverError,
  type Payload,
  processMs,
  type TraceContext,
  TraceIds,
} from "@leveros/protocol";
import type { CallSpans } from "./spans/call-spans.ts";

export interface CallServerOptions {
  /** Encodes results, messages and errors, named `root` in its own error: `valuePayload`, or one that loads that later. */
  readonly encode: (value: unknown, root: string) => Payload;
  readonly replyBytesMax: number;
  /** Called whenever the last call in flight is over. */
  readonly onIdle?: () => void;
  /** Logs an error of a method, unless it is Lever's own. `what` begins the record. Default: errors after the end of a call only. */
  readonly onError?: (error: unknown, what: string, call: string) => void;
  /** The service is a part of Lever: a LeverError that it throws is Lever's error, not the error value of a method. */
  readonly isPlatform?: boolean;
  /** The span of the service that the current code runs in. */
  readonly activeSpan?: (call: RunningCall) => TraceContext | undefined;
  /** The instance, for the contexts of its calls. */
  readonly self?: Pick<
    Assignment,
    "environment" | "service" | "version" | "instance" | "tracePrefix"
  >;
}

/** The functions of the server that its calls use. */
export interface RunningCallOwner extends CallServerOptions {
  /** The call is over. Its function may still run. */
  onOver(): void;
  /** The function of a call to a resource has ended. */
  onSettled(resource: string): void;
  epochOf(resource: string): number | undefined;
}

/** The side of a call that answers it. It has a number if the call came over a link. */
export type AnsweringSide = CallHandle & { readonly id?: number };

/** One call whose function runs. It is answered at most once (R1). */
export class RunningCall implements ActiveCall, CallListener {
  readonly number: number;
  /** Its trace is kept and exported. */
  readonly isSampled: boolean;
  /** Spans that the service records in its course (spans.ts); undefined for nearly all calls. */
  spans: CallSpans | undefined;
  readonly #root: number;
  readonly #trace: TraceContext | undefined;
  readonly environment: string;
  readonly service: string;
  readonly version: number;
  readonly instance: string;
  readonly method: string;
  readonly resource: string;
  readonly epoch: number | undefined;
  readonly caller: CallContext["caller"];
  readonly side: AnsweringSide;
  /** A time of `processMs`; 0 = no deadline. */
  readonly #deadlineAt: number;
  #abortController: AbortController | undefined;
  #cancelledBy: LeverError | undefined;
  /** Created on first use, as the abort controller: most calls need neither. */
  #cancelListeners: Set<() => void> | undefined;
  readonly #owner: RunningCallOwner;
  readonly #isStream: boolean;
  #isSettled = false;
  #isOver = false;
  #hasAnswered = false;

  constructor(request: CallRequest, side: AnsweringSide, owner: RunningCallOwner) {
    const { self } = owner;
    this.number = request.number ?? 0;
    this.isSampled = request.isSampled === true;
    this.#root = request.root ?? this.number;
    this.#trace = request.trace;
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

  get id(): string {
    return formatCallId(this.number);
  }

  get traceparent(): string {
    return formatTraceparent(this.activeSpan ?? this.spanContext, this.isSampled);
  }

  get activeSpan(): TraceContext | undefined {
    return this.#owner.activeSpan?.(this);
  }

  get spanContext(): TraceContext {
    const ids = new TraceIds(this.#owner.self?.tracePrefix ?? "");
    const traceId = this.#trace?.traceId ?? ids.traceId(this.#root);
    return { traceId, spanId: ids.spanId(this.number) };
  }

  get callId(): number | undefined {
    return this.side.id;
  }

  get encode(): CallServerOptions["encode"] {
    return this.#owner.encode;
  }

  get timeLeftMs(): number | undefined {
    if (this.#deadlineAt === 0) return undefined;
    return Math.max(0, this.#deadlineAt - processMs());
  }

  get signal(): AbortSignal {
    this.#abortController ??= new AbortController();
    if (this.#cancelledBy !== undefined) this.#abortController.abort(this.#cancelledBy);
    return this.#abortController.signal;
  }

  get isCancelled(): boolean {
    return this.#cancelledBy !== undefined;
  }

  onCancel(listener: () => void): void {
    this.#cancelListeners ??= new Set();
    this.#cancelListeners.add(listener);
  }

  offCancel(listener: () => void): void {
    this.#cancelListeners?.delete(listener);
  }

  readonly reply = (result: unknown): void => {
    if (!this.#answer("a result", result)) return;
    let payload: Payload;
    try {
      payload = this.encode(result, "result");
    } catch (error) {
      this.#sendError(cannotSend(`the result of ${this.method}`, error));
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
    if (this.#answer("an error", error)) this.#sendError(error);
  };

  get isOver(): boolean {
    return this.#isOver;
  }

  // The caller of a regular call sends nothing after the request, and can only cancel it.
  onMessage(): void {}
  onEnd(): void {}
  onFail(): void {}
  onDrain(): void {}
  onAbort(error: LeverError): void {
    this.cancel(error);
  }

  /** The call is cancelled, or its deadline has passed. */
  cancel(error: LeverError): void {
    if (this.#isOver) return;
    this.#cancelledBy = error;
    this.finish(true);
    this.#abortController?.abort(error);
    const listeners = this.#cancelListeners;
    this.#cancelListeners = undefined;
    for (const listener of listeners ?? []) listener();
  }

  /** The call is over. */
  finish(hasFailed = false): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.spans?.end(hasFailed);
    this.#owner.onOver();
  }

  /** The function has ended. The call may have been over before. */
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
    this.#owner.onError?.(error, `${this.method} failed`, this.id);
    const { kind, bytes } = errorPayload(error, { method: this.method, encode: this.encode });
    this.side.fail(kind, bytes);
  }

  /** R1. False = the call was over already. */
  #answer(what: string, value: unknown): boolean {
    // The function of a stream may continue after its answer.
    if (!this.#isStream) this.settle();
    if (!this.#isOver) {
      this.finish(what === "an error");
      this.#hasAnswered = true;
      return true;
    }
    // After a cancellation an error is expected and not logged.
    if (this.#hasAnswered && value instanceof Error) {
      const text = `${this.method} ended with ${what} after its call was over`;
      if (this.#owner.onError === undefined) console.error(`${text}:`, value);
      else this.#owner.onError(value, text, this.id);
    }
    return false;
  }
}

function isPlatformError(error: unknown): error is LeverError {
  return error instanceof LeverError && error.code !== "method_failed";
}

/**
 * The error value that callers receive: the message of an Error, the value of a failed call, any other value itself. For a
 * value that JSON would lose: why.
 */
function errorPayload(
  error: unknown,
  { method, encode }: Pick<CallServerOptions, "encode"> & { readonly method: string },
): Payload {
  try {
    if (error instanceof LeverError && error.code === "method_failed")
      return encode(error.value, "error");
    return encode(error instanceof Error ? error.message : error, "error");
  } catch (problem) {
    return encode(cannotSend(`the error of ${method}`, problem).message, "error");
  }
}

/** The error for a value that cannot be sent, or whose own toJSON or getter fails. */
export function cannotSend(what: string, problem: unknown): Error {
  const why = problem instanceof Error ? problem.message : String(problem);
  return new Error(`Cannot send ${what}: ${why}`, { cause: problem });
}
