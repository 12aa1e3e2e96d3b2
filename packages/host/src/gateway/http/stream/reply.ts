import {
  type CallHandle,
  type CallListener,
  cancelled,
  LeverError,
  PAYLOAD_BYTES,
  type PayloadKind,
  type WaitTimes,
} from "@leveros/protocol";
import { discardBody } from "../discard-body.ts";
import type { HttpRequest, HttpResponse } from "../exchange.ts";
import { methodErrorParts, serverTiming } from "../response-parts.ts";
import { writeProblem, writeResponse } from "../write-response.ts";
import { jsonLines, rawBytes, type StreamFormat } from "./format.ts";

/**
 * Writes the response of a streaming call. A failure before the first message has the response of a regular call. The
 * first message decides the format, unless the caller has asked for one.
 */
export class StreamReply implements CallListener {
  readonly #request: HttpRequest;
  readonly #response: HttpResponse;
  call: CallHandle | undefined;
  #waitTimes: WaitTimes | undefined;
  isOver = false;
  #format: StreamFormat | undefined;

  constructor(request: HttpRequest, response: HttpResponse) {
    this.#request = request;
    this.#response = response;
    response.on("drain", () => this.call?.resume());
    response.on("close", () => {
      if (!this.isOver) this.call?.abort(cancelled("connectionClosed"));
    });
  }

  /** Sends the head of the response. */
  begin(format: StreamFormat): void {
    this.#format = format;
    const waitTimes = this.#waitTimes;
    this.#response.writeHead(200, {
      "content-type": format.contentType,
      "cache-control": "no-store",
      ...(waitTimes !== undefined && { "server-timing": serverTiming(waitTimes) }),
    });
  }

  /** Cancels the call with an error of the caller's, and answers with it. */
  fail(error: LeverError): void {
    this.call?.abort(error);
    this.onAbort(error);
  }

  onAssigned(waitTimes: WaitTimes): void {
    this.#waitTimes = waitTimes;
  }

  onMessage(kind: PayloadKind, bytes: Uint8Array): void {
    if (this.isOver) return;
    if (this.#format === undefined) this.begin(kind === PAYLOAD_BYTES ? rawBytes : jsonLines);
    const text = this.#format?.message(kind, bytes);
    if (text === undefined) this.fail(mixedKinds());
    else if (!this.#response.write(text)) this.call?.pause();
  }

  onEnd(): void {
    if (this.isOver) return;
    if (this.#format === undefined) this.begin(jsonLines);
    this.#finish(this.#format?.end);
  }

  onFail(kind: PayloadKind, bytes: Uint8Array): void {
    if (this.isOver) return;
    if (this.#format !== undefined) {
      this.#failLate(this.#format.methodError(kind, bytes));
      return;
    }
    this.#close();
    writeResponse(this.#response, methodErrorParts(kind, bytes));
  }

  onAbort(error: LeverError): void {
    if (this.isOver) return;
    if (this.#format !== undefined) {
      this.#failLate(this.#format.platformError(error));
      return;
    }
    this.#close();
    writeProblem(this.#response, error);
  }

  onDrain(): void {
    this.#request.resume();
  }

  #failLate(last: Uint8Array | undefined): void {
    if (last !== undefined) {
      this.#finish(last);
      return;
    }
    this.isOver = true;
    this.#response.destroy();
  }

  #finish(last: Uint8Array | undefined): void {
    this.#close();
    this.#response.end(last);
  }

  #close(): void {
    this.isOver = true;
    discardBody(this.#request);
  }
}

function mixedKinds(): LeverError {
  return new LeverError(
    "not_supported",
    "Cannot send the message: over plain HTTP, a stream is all JSON or all bytes.",
  );
}
