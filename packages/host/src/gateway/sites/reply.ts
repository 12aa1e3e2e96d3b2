import {
  type CallHandle,
  type CallListener,
  cancelled,
  decodeValue,
  formatCallId,
  LeverError,
  PAYLOAD_BYTES,
  type PayloadKind,
  type WaitTimes,
} from "@leveros/protocol";
import type { AdmittedCall } from "../admission/admit-call.ts";
import { countPassed } from "../buffer-garbage.ts";
import type { NumberedCall } from "../call-marks.ts";
import type { DoorOptions } from "../door-options.ts";
import { breakOff } from "../http/break-off.ts";
import { discardBody } from "../http/discard-body.ts";
import type { HttpRequest, HttpResponse } from "../http/exchange.ts";
import { type AnsweredCall, callHeaders, type Headers } from "../http/response-parts.ts";
import { replyWriter } from "../http/write-reply.ts";
import { failureParts, fetchFailed, writeFailure } from "./failure.ts";
import { confinedHeaders, type Reach } from "./reach.ts";
import { parseResponseHead, type ResponseHead } from "./response-head.ts";

interface SiteReplyOptions extends Pick<DoorOptions, "clock" | "limits" | "replies"> {
  readonly request: HttpRequest;
  readonly response: HttpResponse;
  readonly caller: AdmittedCall["caller"];
  readonly call: NumberedCall;
  readonly reach: Reach;
}

/** Writes the answer of a `fetch`: its head, then its body as it comes. */
export class SiteReply implements AnsweredCall, CallListener {
  readonly number: number;
  readonly isSampled: boolean;
  readonly #options: SiteReplyOptions;
  readonly #request: HttpRequest;
  readonly #response: HttpResponse;
  call: CallHandle | undefined;
  waitTimes: WaitTimes | undefined;
  isOver = false;
  #hasHead = false;
  /** The response has no body, whatever the service sends. */
  #isBodyless = false;
  /** Bytes that the head declares and that have not come; undefined = it does not declare any. */
  #missingBytes: number | undefined;
  #isPaused = false;
  /** The service does not read the request's body as fast as it arrives. */
  #isRequestPaused = false;
  /** Part of the request was passed on since the timer was set. */
  #hasProgress = false;
  #timer: unknown;

  constructor(options: SiteReplyOptions) {
    const { request, response, call } = options;
    this.number = call.number;
    this.isSampled = call.isSampled;
    this.#options = options;
    this.#request = request;
    this.#response = response;
    response.on("drain", () => this.#resume());
    response.on("close", () => {
      options.clock.clearTimeout(this.#timer);
      if (!this.isOver) this.call?.abort(cancelled("connectionClosed"));
      this.isOver = true;
    });
    this.#awaitHead();
  }

  /** A part of the request's body was passed on. */
  onProgress(): void {
    this.#hasProgress = true;
  }

  /** Reads no more of the request's body until the service has read what there is. */
  pauseRequest(): void {
    this.#isRequestPaused = true;
    this.#request.pause();
  }

  /** Cancels the call, and answers with an error. */
  fail(error: LeverError): void {
    this.call?.abort(error);
    this.onAbort(error);
  }

  /** Something else answers from here on. */
  leave(): void {
    this.#options.clock.clearTimeout(this.#timer);
    this.isOver = true;
  }

  onAssigned(waitTimes: WaitTimes): void {
    this.waitTimes = waitTimes;
  }

  onMessage(kind: PayloadKind, bytes: Uint8Array): void {
    if (this.isOver) return;
    if (!this.#hasHead) {
      const { headerBytesMax } = this.#options.limits;
      const head = parseResponseHead(kind, bytes, headerBytesMax);
      if (typeof head === "string") this.fail(unreadable(head));
      else this.#writeHead(head);
      return;
    }
    countPassed(bytes.length);
    if (this.#isBodyless || bytes.length === 0) return;
    if (kind !== PAYLOAD_BYTES) this.fail(unreadable("a part of its body is no bytes"));
    else if (this.#missingBytes !== undefined && bytes.length > this.#missingBytes) {
      this.fail(unreadable("its body is longer than its content-length"));
    } else {
      if (this.#missingBytes !== undefined) this.#missingBytes -= bytes.length;
      if (!this.#response.write(bytes)) this.#pause();
    }
  }

  onEnd(): void {
    if (this.isOver) return;
    if (!this.#hasHead) this.onAbort(unreadable("it has no head"));
    else if (this.#missingBytes !== undefined && this.#missingBytes > 0 && !this.#isBodyless) {
      this.onAbort(unreadable("its body is shorter than its content-length"));
    } else {
      this.#close();
      this.#response.end();
    }
  }

  onFail(kind: PayloadKind, bytes: Uint8Array): void {
    const { caller } = this.#options;
    const mayRead = caller.kind === "outside" && caller.mayReadLogs;
    const value = mayRead ? decodeValue(kind, bytes) : undefined;
    const reason = mayRead
      ? typeof value === "string"
        ? value
        : JSON.stringify(value)
      : undefined;
    this.#end(fetchFailed(this.number, reason), { "lever-error": "method" });
  }

  onAbort(error: LeverError): void {
    this.#end(error.ofCall(formatCallId(this.number)));
  }

  onDrain(): void {
    this.#isRequestPaused = false;
    this.#request.resume();
  }

  #end(error: LeverError, more?: Headers): void {
    if (this.isOver) return;
    this.#options.clock.clearTimeout(this.#timer);
    this.isOver = true;
    if (this.#hasHead) {
      breakOff(this.#request, this.#response);
      return;
    }
    writeFailure(this.#response, failureParts(error, this.#request.headers), more);
    discardBody(this.#request);
  }

  #writeHead({ status, headers, contentLength }: ResponseHead): void {
    this.#hasHead = true;
    this.#options.clock.clearTimeout(this.#timer);
    this.#isBodyless = this.#request.method === "HEAD" || status === 204 || status === 304;
    this.#missingBytes = contentLength;
    this.#response.writeHead(status, {
      ...callHeaders(this),
      ...confinedHeaders(headers, this.#options.reach),
      ...(contentLength !== undefined && status !== 204 && { "content-length": contentLength }),
    });
  }

  /** The head has to come within the time of a call, or within that after the last part of the request. */
  #awaitHead(): void {
    const { clock, limits } = this.#options;
    this.#hasProgress = false;
    this.#timer = clock.setTimeout(() => {
      if (this.#hasProgress) this.#awaitHead();
      else this.fail(tooLate(limits.callTimeoutMs, this.#isBodyAwaited));
    }, limits.callTimeoutMs);
  }

  get #isBodyAwaited(): boolean {
    return !this.#request.complete && !this.#isRequestPaused;
  }

  #resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.call?.resume();
  }

  #pause(): void {
    this.#isPaused = true;
    this.call?.pause();
    const writer = replyWriter(this.#response);
    if (writer) this.#options.replies.hold(writer);
  }

  #close(): void {
    this.isOver = true;
    discardBody(this.#request);
  }
}

function unreadable(problem: string): LeverError {
  return new LeverError("instance_failed", `Cannot read the answer of the service: ${problem}.`);
}

function tooLate(timeoutMs: number, isBodyAwaited: boolean): LeverError {
  if (isBodyAwaited) {
    return new LeverError(
      "request_timeout",
      `Cannot read the request: nothing of its body has arrived for ${timeoutMs} ms.`,
    );
  }
  return new LeverError(
    "deadline_exceeded",
    `Cannot answer the request: the service has not begun to within ${timeoutMs} ms.`,
  );
}
