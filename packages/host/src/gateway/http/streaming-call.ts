import {
  type CallEvents,
  type CallSide,
  LeverError,
  type Limits,
  PAYLOAD_BYTES,
  PAYLOAD_JSON,
  type PayloadKind,
} from "@leveros/protocol";
import { OUTSIDE, type Router } from "../../router/router.ts";
import { answerMethodError, answerProblem } from "./answer.ts";
import type { Exchange, HttpRequest, HttpResponse } from "./exchange.ts";
import { LineSplitter } from "./line-splitter.ts";
import { bodyTooSlow } from "./regular-call.ts";
import { requestTimeoutMs } from "./request-target.ts";

const NEWLINE = Buffer.from("\n");

/**
 * Carries one HTTP request for a streaming method, both directions at once. The first line of the body is the JSON
 * array of arguments. Then each line is a JSON message, or, as application/octet-stream, each chunk a bytes message.
 * The end of the request half-closes; the response is lines of JSON, or bytes, as the method sends them.
 */
export function serveStreamingCall(
  exchange: Exchange,
  options: { router: Router; limits: Limits },
): void {
  const { request, response, url } = exchange;
  const { router, limits } = options;
  const timeoutMs = requestTimeoutMs(request.headers["lever-timeout"], limits, 0);
  const kind = messageKind(request.headers["content-type"]);
  if (kind instanceof LeverError) throw kind;
  const lines = new LineSplitter(limits.bodyBytesMax);
  const reply = new StreamReply(request, response);
  let call: CallSide | undefined;

  const timer = setTimeout(
    () => reply.onAbort(bodyTooSlow(limits.requestTimeoutMs)),
    limits.requestTimeoutMs,
  );

  const open = (args: Uint8Array): void => {
    clearTimeout(timer);
    call = router.call(
      {
        url,
        caller: OUTSIDE,
        isStream: true,
        timeoutMs,
        kind: PAYLOAD_JSON,
        body: args,
        hasMore: true,
      },
      reply,
    );
    reply.call = call;
  };
  const send = (bytes: Uint8Array): void => {
    if (bytes.length > 0 && call?.send(kind, bytes) === false) request.pause();
  };

  request.on("data", (chunk: Buffer) => {
    if (reply.isOver) return;
    let rest: Uint8Array = chunk;
    while (rest.length > 0 && (call === undefined || kind === PAYLOAD_JSON)) {
      const taken = lines.take(rest);
      if (lines.isTooLong) {
        const error = new LeverError(
          "too_large",
          `Cannot read the request: a line is over the limit of ${limits.bodyBytesMax} bytes.`,
        );
        call?.abort(error);
        reply.onAbort(error);
        return;
      }
      if (taken === undefined) return;
      rest = taken.rest;
      if (call === undefined) open(taken.line);
      else send(taken.line);
    }
    send(rest);
  });
  request.on("end", () => {
    if (reply.isOver) return;
    const rest = lines.takeRest();
    if (call === undefined) open(rest);
    else send(rest);
    call?.end();
  });
  request.on("error", () => {});
  response.on("close", () => {
    clearTimeout(timer);
    if (!reply.isOver)
      call?.abort(new LeverError("cancelled", "The caller closed its connection."));
  });
}

function messageKind(contentType: string | undefined): PayloadKind | LeverError {
  const type = contentType?.split(";")[0]?.trim().toLowerCase();
  if (type === "application/json" || type === "application/x-ndjson") return PAYLOAD_JSON;
  if (type === "application/octet-stream") return PAYLOAD_BYTES;
  return new LeverError(
    "malformed_request",
    "Cannot open the stream: allowed content types are application/json, application/x-ndjson and application/octet-stream.",
  );
}

/** The answer of a streaming call. Its first message decides whether it is lines of JSON or bytes. */
class StreamReply implements CallEvents {
  readonly #request: HttpRequest;
  readonly #response: HttpResponse;
  call: CallSide | undefined;
  isOver = false;
  #kind: PayloadKind | undefined;

  constructor(request: HttpRequest, response: HttpResponse) {
    this.#request = request;
    this.#response = response;
    response.on("drain", () => this.call?.resume());
  }

  onMessage(kind: PayloadKind, bytes: Uint8Array): void {
    if (this.isOver) return;
    if (this.#kind === undefined) this.#begin(kind);
    if (kind !== this.#kind) {
      const error = new LeverError(
        "not_supported",
        "Cannot pass the message on: over HTTP a stream is all JSON or all bytes.",
      );
      this.call?.abort(error);
      this.onAbort(error);
      return;
    }
    const response = this.#response;
    if (kind === PAYLOAD_BYTES) {
      if (!response.write(bytes)) this.call?.pause();
      return;
    }
    if (!response.write(Buffer.concat([bytes, NEWLINE]))) this.call?.pause();
  }

  onEnd(): void {
    if (this.#kind === undefined) this.#begin(PAYLOAD_JSON);
    this.#finish();
  }

  onFail(kind: PayloadKind, bytes: Uint8Array): void {
    if (this.#kind === undefined) {
      this.#leave();
      answerMethodError(this.#response, { kind, bytes });
      return;
    }
    const value =
      kind === PAYLOAD_JSON ? bytes : JSON.stringify(Buffer.from(bytes).toString("base64"));
    this.#failLate(
      Buffer.concat([Buffer.from('{"error":'), Buffer.from(value), Buffer.from("}\n")]),
    );
  }

  onAbort(error: LeverError): void {
    if (this.isOver) return;
    if (this.#kind === undefined) {
      this.#leave();
      answerProblem(this.#response, error);
      return;
    }
    this.#failLate(Buffer.from(`${JSON.stringify({ error: error.toProblem() })}\n`));
  }

  onDrain(): void {
    this.#request.resume();
  }

  #begin(kind: PayloadKind): void {
    this.#kind = kind;
    const type = kind === PAYLOAD_BYTES ? "application/octet-stream" : "application/x-ndjson";
    this.#response.writeHead(200, { "content-type": type });
  }

  /** After the first message a failure is a last line; among bytes it can only be a broken end. */
  #failLate(lastLine: Buffer): void {
    if (this.#kind === PAYLOAD_BYTES) {
      this.isOver = true;
      this.#response.destroy();
      return;
    }
    this.#response.write(lastLine);
    this.#finish();
  }

  #finish(): void {
    this.#leave();
    this.#response.end();
  }

  #leave(): void {
    this.isOver = true;
    // A caller that goes on sending has no reader any more: the connection ends with the answer.
    if (!this.#request.complete && !this.#response.headersSent) {
      this.#response.setHeader("connection", "close");
    }
  }
}
