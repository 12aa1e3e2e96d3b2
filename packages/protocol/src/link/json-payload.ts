import type { WaitTimes } from "../call.ts";
import { type LeverError, readSentError } from "../errors.ts";
import { isJsonObject } from "../json-object.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Error messages are truncated to this length: longer than a request head can cause, and as JSON within one frame. */
const ABORT_LENGTH_MAX = 20_000;

/** Longer than each id of a call. */
const CALL_ID_BYTES_MAX = 20;

/** The payload of a CALL_ID frame. */
export function encodeCallId(id: string): Uint8Array {
  return encoder.encode(id);
}

/** @throws Error when the payload is too long to be the id of a call. */
export function decodeCallId(payload: Uint8Array): string {
  if (payload.length <= CALL_ID_BYTES_MAX) return decoder.decode(payload);
  throw new Error("Cannot read a frame: the id of its call is too long.");
}

/** The payload of a CONTROL frame. */
export function encodeJson(message: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(message));
}

/** @throws Error when the payload is not JSON. */
export function decodeJson(payload: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(payload));
  } catch (cause) {
    throw new Error("Cannot read a frame: its payload is not JSON.", { cause });
  }
}

/** The payload of an ABORT frame. */
export function encodeAbort(error: LeverError): Uint8Array {
  const { code, retryAfterSeconds, grpcStatus, call } = error;
  const message = error.message.slice(0, ABORT_LENGTH_MAX);
  return encodeJson({ code, message, retryAfterSeconds, grpcStatus, call });
}

/** Fields that are missing or malformed become those of an internal error. @throws Error when it is not JSON. */
export function decodeAbort(payload: Uint8Array): LeverError {
  const parsed = decodeJson(payload);
  return readSentError(isJsonObject(parsed) ? parsed : {}, "The call was aborted.");
}

/** The payload of an ASSIGNED frame, which only a host sends. @throws Error when it is none. */
export function decodeWaitTimes(payload: Uint8Array): WaitTimes {
  const parsed = decodeJson(payload);
  if (typeof parsed === "object" && parsed !== null && "waitMs" in parsed) {
    if (typeof parsed.waitMs === "number") return parsed as WaitTimes;
  }
  throw new Error("Cannot read wait times: they have no waitMs.");
}
