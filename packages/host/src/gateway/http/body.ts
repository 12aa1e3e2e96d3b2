import { ArrivingBody, LeverError } from "@leveros/protocol";
import { type BodyReservation, tooManyBodies } from "../body-budget.ts";
import type { DoorOptions } from "../door-options.ts";
import { newMemory } from "../new-memory.ts";
import type { HttpRequest } from "./exchange.ts";

/** Reads a request's body, or finds out why it cannot: it is too large, too slow, or one of too many. */
export function readBody(
  request: HttpRequest,
  options: Pick<DoorOptions, "limits" | "clock"> & { readonly reservation: BodyReservation },
  done: (body: Uint8Array | LeverError) => void,
): void {
  const { clock, reservation } = options;
  const { bodyBytesMax, requestTimeoutMs } = options.limits;
  const declared = Number(request.headers["content-length"] ?? Number.NaN);
  if (declared > bodyBytesMax) {
    done(bodyTooLarge(bodyBytesMax));
    return;
  }
  const isLengthKnown = Number.isInteger(declared);
  const bytesMax = isLengthKnown ? declared : bodyBytesMax;
  const arriving = new ArrivingBody(newMemory, { bytesMax, isLengthKnown });
  /** The body, if it has arrived in one piece: that is not copied. */
  let piece: Uint8Array | undefined;
  let isDone = false;
  const finish = (body: Uint8Array | LeverError): void => {
    if (isDone) return;
    isDone = true;
    clock.clearTimeout(timer);
    if (body instanceof LeverError) arriving.drop();
    done(body);
  };
  const timer = clock.setTimeout(() => finish(bodyTooSlow(requestTimeoutMs)), requestTimeoutMs);
  request.on("data", (chunk: Buffer) => {
    // The rest of a refused body is dropped.
    if (isDone) return;
    const bytes = (piece?.length ?? arriving.bytes) + chunk.length;
    if (bytes > bytesMax) finish(bodyTooLarge(bodyBytesMax));
    else if (!reservation.hold(bytes)) finish(tooManyBodies());
    else if (chunk.length === declared) piece = chunk;
    else arriving.add(chunk);
  });
  request.on("end", () => finish(piece ?? arriving.body));
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

/** The body is over its limit, as it was sent or decoded. */
export function bodyTooLarge(bodyBytesMax: number): LeverError {
  return new LeverError(
    "too_large",
    `Cannot read the request: its body is over the limit of ${bodyBytesMax} bytes.`,
  );
}
