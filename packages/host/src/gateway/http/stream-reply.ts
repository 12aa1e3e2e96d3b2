import { type CallListener, LeverError, PAYLOAD_BYTES, type PayloadKind } from "@leveros/protocol";
import type { OpenCall } from "../../router/router.ts";
import { discardBody } from "./discard-body.ts";
import type { HttpRequest, HttpResponse } from "./exchange.ts";
import { sendMethodError, sendProblem, serverTiming } from "./respond.ts";
import { jsonLines, rawBytes, type StreamFormat } from "./stream-format.ts";

/**
 * The answer of a streaming call over HTTP. Until the first message, a failure is answered as a regular call's would
 * be; that message also decides the format, unless the caller asked for one.
 */
export class StreamReply implements CallListener {
  readonly #request: HttpRequest;
  readonly #response: HttpResponse;
  call: OpenCall | undefined;
  isOver = false;
  #format: StreamFormat | undefined;

  constructor(request: HttpRequest, response: HttpResponse) {
    this.#request = request;
    this.#response = response;
    response.on("drain", () => this.call?.resume());
  }

  /** Sends the response's head now, in this format. */
  begin(format: StreamFormat): void {
    this.#format = format;
    const waitTimes = this.call?.waitTimes;
    this.#response.writeHead(200, {
      "content-type": format.contentType,
      "cache-control": "no-store",
      ...(waitTimes !== undefined && { "server-timing": serverTiming(waitTimes) }),
    });
  }

  onMessage(kind: PayloadKind, bytes: Uint8Array): void {
    if (this.isOver) return;
    if (this.#format === undefined) this.begin(kind === PAYLOAD_BYTES ? rawBytes : jsonLines);
    const text = this.#format?.message(kind, bytes);
    if (text === undefined) {
      const error = new LeverError(
        "not_supported",
        "Cannot pass the message on: over plain HTTP a stream is all JSON or all bytes.",
      );
      this.call?.abort(error);
      this.onAbort(error);
      return;
    }
    if (!this.#response.write(text)) this.call?.pause();
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
    this.#leave();
    sendMethodError(this.#response, { kind, bytes });
  }

  onAbort(error: LeverError): void {
    if (this.isOver) return;
    if (this.#format !== undefined) {
      this.#failLate(this.#format.platformError(error));
      return;
    }
    this.#leave();
    sendProblem(this.#response, error);
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
    this.#leave();
    this.#response.end(last);
  }

  #leave(): void {
    this.isOver = true;
    discardBody(this.#request);
  }
}
