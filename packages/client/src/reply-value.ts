import { decodeValue, LeverError, PAYLOAD_BYTES, type Payload } from "@leveros/protocol";

/**
 * Decodes a reply: a JSON value, or a Buffer.
 * @throws LeverError `unreachable` when it is not JSON: then it is not from a Lever host.
 */
export function replyValue({ kind, bytes }: Payload): unknown {
  if (kind === PAYLOAD_BYTES) return toBuffer(bytes);
  try {
    return decodeValue(kind, bytes);
  } catch (cause) {
    throw new LeverError("unreachable", "Cannot read the reply: it is not JSON.", { cause });
  }
}

/** The error of a method that failed, with the original value. Never throws. */
export function methodFailed(payload: Payload, call?: string): LeverError {
  let value: unknown;
  try {
    value = replyValue(payload);
  } catch (error) {
    if (error instanceof LeverError) return error;
    throw error;
  }
  return new LeverError("method_failed", describe(value), { value, call });
}

function describe(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof Uint8Array) return `The method failed with ${value.length} bytes.`;
  return JSON.stringify(value);
}

/** Bytes that the caller may keep: a copy when the view is only a part of the received memory. */
function toBuffer(bytes: Uint8Array): Uint8Array {
  // Web pages have no Buffer. There, bytes are a Uint8Array.
  if (typeof Buffer === "undefined") return bytes.slice();
  if (Buffer.isBuffer(bytes) && bytes.byteLength === bytes.buffer.byteLength) return bytes;
  return Buffer.from(bytes);
}
