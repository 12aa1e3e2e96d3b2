import {
  type CallListener,
  LeverError,
  type Limits,
  PAYLOAD_BYTES,
  PAYLOAD_JSON,
  type PayloadKind,
} from "@leveros/protocol";
import type { OpenCall } from "../../router/router.ts";
import type { DoorOptions } from "../door-options.ts";
import { discardBody } from "./discard-body.ts";
import type { Exchange, HttpRequest, HttpResponse } from "./exchange.ts";
import { answerResult, sendMethodError, sendProblem } from "./respond.ts";

/** The bytes of bodies that the gateway holds for calls under way. */
export interface HeldBodies {
  bytes: number;
}

/** Carries one HTTP request for a regular method: the whole body in, one call, the whole reply out. */
export function serveRegularCall(
  { request, response, admitted }: Exchange,
  { router, limits, bodies }: DoorOptions,
): void {
  const kind = payloadKind(request.headers["content-type"]);
  let heldBytes = 0;
  // The response closes when it has been sent, and when the caller leaves.
  response.on("close", () => {
    bodies.bytes -= heldBytes;
    heldBytes = 0;
  });
  /** False = all calls together hold as much as they may. */
  const hold = (bytes: number): boolean => {
    if (bodies.bytes + bytes > limits.bufferedBodyBytesMax) return false;
    heldBytes += bytes;
    bodies.bytes += bytes;
    return true;
  };
  readBody(request, { limits, hold }, (body) => {
    if (body instanceof LeverError) {
      sendProblem(response, body);
      discardBody(request);
      return;
    }
    const reply = new RegularReply(response);
    reply.call = router.call({ ...admitted, kind, body, hasMore: false }, reply);
  });
}

/** JSON by its media type, whatever parameters it has; anything else is bytes. */
export function payloadKind(contentType: string | undefined): PayloadKind {
  if (contentType === "application/json") return PAYLOAD_JSON;
  const isJson = contentType !== undefined && /^\s*application\/json\s*(?:;|$)/i.test(contentType);
  return isJson ? PAYLOAD_JSON : PAYLOAD_BYTES;
}

/** The answer of a regular call: its one message, or how it failed. */
class RegularReply implements CallListener {
  readonly #response: HttpResponse;
  call: OpenCall | undefined;
  #isAnswered = false;

  constructor(response: HttpResponse) {
    this.#response = response;
    response.on("close", () => {
      if (!this.#isAnswered) {
        this.call?.abort(new LeverError("cancelled", "The caller closed its connection."));
      }
    });
  }

  onMessage(kind: PayloadKind, bytes: Uint8Array): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    answerResult(this.#response, { kind, bytes }, this.call?.waitTimes);
  }

  onEnd(): void {
    if (this.#isAnswered) return;
    this.onAbort(new LeverError("instance_failed", "The method ended without a reply."));
  }

  onFail(kind: PayloadKind, bytes: Uint8Array): void {
    this.#isAnswered = true;
    sendMethodError(this.#response, { kind, bytes });
  }

  onAbort(error: LeverError): void {
    this.#isAnswered = true;
    sendProblem(this.#response, error);
  }

  onDrain(): void {}
}

function readBody(
  request: HttpRequest,
  { limits, hold }: { limits: Limits; hold: (bytes: number) => boolean },
  done: (body: Uint8Array | LeverError) => void,
): void {
  const { bodyBytesMax, requestTimeoutMs } = limits;
  const declared = Number(request.headers["content-length"] ?? 0);
  if (declared > bodyBytesMax) {
    done(bodyTooLarge(bodyBytesMax));
    return;
  }
  // A body whose size is known has its room from the start: else many halves could keep one another out.
  let roomBytes = 0;
  if (declared > 0) {
    if (!hold(declared)) {
      done(tooManyBodies());
      return;
    }
    roomBytes = declared;
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  let isDone = false;
  const finish = (body: Uint8Array | LeverError): void => {
    if (isDone) return;
    isDone = true;
    clearTimeout(timer);
    done(body);
  };
  const timer = setTimeout(() => finish(bodyTooSlow(requestTimeoutMs)), requestTimeoutMs);
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) {
      finish(bodyTooLarge(bodyBytesMax));
    } else if (isDone) {
      // What comes after a refusal is only let pass.
    } else if (bytes <= roomBytes || hold(chunk.length)) {
      chunks.push(chunk);
    } else {
      chunks.length = 0;
      finish(tooManyBodies());
    }
  });
  request.on("end", () => {
    const [only] = chunks;
    finish(chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, bytes));
  });
  // A body that breaks off has no caller left to answer.
  request.on("error", () => {
    isDone = true;
    clearTimeout(timer);
  });
}

/** Of a request whose body, or whose first line, does not arrive. */
export function bodyTooSlow(requestTimeoutMs: number): LeverError {
  return new LeverError(
    "request_timeout",
    `Cannot read the request: its body did not arrive within ${requestTimeoutMs} ms.`,
  );
}

function tooManyBodies(): LeverError {
  return new LeverError("overloaded", "Cannot take the call: too many large ones are under way.", {
    retryAfterSeconds: 1,
  });
}

function bodyTooLarge(bodyBytesMax: number): LeverError {
  return new LeverError(
    "too_large",
    `Cannot read the request: its body is over the limit of ${bodyBytesMax} bytes.`,
  );
}
