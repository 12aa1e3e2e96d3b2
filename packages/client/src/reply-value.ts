import { decodeValue, LeverError, PAYLOAD_BYTES, type Payload } from "@leveros/protocol";

/**
 * What a reply says: the JSON value, or a Buffer.
 * @throws LeverError `unreachable` when it is not JSON: no Lever host sends that.
 */
export function replyValue({ kind, bytes }: Payload): unknown {
  if (kind === PAYLOAD_BYTES) return toBuffer(bytes);
  try {
    return decodeValue(kind, bytes);
  } catch (cause) {
    throw new LeverError("unreachable", "Cannot read the reply: it is not JSON.", { cause });
  }
}

/** The error of a method, with the original value. Never throws. */
export function methodFailed(payload: Payload): LeverError {
  let value: unknown;
  try {
    value = replyValue(payload);
  } catch (error) {
    if (error instanceof LeverError) return error;
    throw error;
  }
  return new LeverError("method_failed", describe(value), { value });
}

function describe(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof Uint8Array) return `The method failed with ${value.length} bytes.`;
  return JSON.stringify(value);
}

/** Bytes that the caller may keep: a copy where the view shows only a part of what arrived together with it. */
function toBuffer(bytes: Uint8Array): Uint8Array {
  // Pages have no Buffer; there, bytes are what a Buffer is made of.
  if (typeof Buffer === "undefined") return bytes.slice();
  if (Buffer.isBuffer(bytes) && bytes.byteLength === bytes.buffer.byteLength) return bytes;
  return Buffer.from(bytes);
}

/** What a caller hears of a call that it has left itself. */
export function cancelledError(): LeverError {
  return new LeverError("cancelled", "The caller left the call.");
}
