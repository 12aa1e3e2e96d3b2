import { LeverError } from "@leveros/protocol";
import type { BodyReservation } from "../body-budget.ts";
import type { DoorOptions } from "../door-options.ts";
import type { HttpRequest } from "./exchange.ts";

/** Reads a request's body, or finds out why it cannot: it is too large, too slow, or one of too many. */
export function readBody(
  request: HttpRequest,
  options: Pick<DoorOptions, "limits" | "clock"> & { readonly reservation: BodyReservation },
  done: (body: Uint8Array | LeverError) => void,
): void {
  const { clock, reservation } = options;
  const { bodyBytesMax, requestTimeoutMs } = options.limits;
  const declared = Number(request.headers["content-length"] ?? 0);
  if (declared > bodyBytesMax) {
    done(bodyTooLarge(bodyBytesMax));
    return;
  }
  // A declared length is reserved at once. Otherwise many bodies could each wait half-read for the rest of the budget.
  let reservedBytes = 0;
  if (declared > 0) {
    if (!reservation.reserve(declared)) {
      done(tooManyBodies());
      return;
    }
    reservedBytes = declared;
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  let isDone = false;
  const finish = (body: Uint8Array | LeverError): void => {
    if (isDone) return;
    isDone = true;
    clock.clearTimeout(timer);
    done(body);
  };
  const timer = clock.setTimeout(() => finish(bodyTooSlow(requestTimeoutMs)), requestTimeoutMs);
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) {
      finish(bodyTooLarge(bodyBytesMax));
    } else if (isDone) {
      // The rest of a refused body is dropped.
    } else if (bytes <= reservedBytes || reservation.reserve(chunk.length)) {
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
  request.on("error", (error) => {
    if (error instanceof LeverError) {
      finish(error);
      return;
    }
    // The connection broke: there is no caller to answer.
    isDone = true;
    clock.clearTimeout(timer);
  });
}

/** The body of a regular call, or the first message of a stream, did not arrive in time. */
export function bodyTooSlow(requestTimeoutMs: number): LeverError {
  return new LeverError(
    "request_timeout",
    `Cannot read the request: its body did not arrive within ${requestTimeoutMs} ms.`,
  );
}

function tooManyBodies(): LeverError {
  return new LeverError(
    "overloaded",
    "Cannot accept the call: too many calls with large bodies are in progress.",
    { retryAfterSeconds: 1 },
  );
}

function bodyTooLarge(bodyBytesMax: number): LeverError {
  return new LeverError(
    "too_large",
    `Cannot read the request: its body is over the limit of ${bodyBytesMax} bytes.`,
  );
}
