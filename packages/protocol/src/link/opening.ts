import { LeverError } from "../errors.ts";

/** The names that an OPEN frame carries before the first chunk of arguments. */
export interface OpeningNames {
  readonly timeoutMs: number;
  readonly environment: string;
  readonly service: string;
  readonly resource: string;
  readonly method: string;
}

/** u32 timeout, then four u16 lengths. */
const FIXED_BYTES = 12;
/** Of one name: the most that an HTTP request line can bring. */
const NAME_BYTES_MAX = 16 * 1024;

/** Where names are encoded that are not very long: a buffer for each call would cost more than its names. */
const scratch = new Uint8Array(4 * 1024);
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Encodes the names; the body follows them in the frame. What it returns holds until it is called again.
 * @throws LeverError `malformed_request` for a name that is too long.
 */
export function encodeNames(names: OpeningNames): Uint8Array {
  const { environment, service, resource, method } = names;
  const text = environment + service + resource + method;
  // One UTF-16 unit is at most three bytes of UTF-8.
  const bytesMax = FIXED_BYTES + text.length * 3;
  const bytes = bytesMax <= scratch.length ? scratch : new Uint8Array(bytesMax);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Math.min(names.timeoutMs, 0xffff_ffff), true);
  let offset = FIXED_BYTES;
  offset += writeName(bytes, view, 4, offset, environment);
  offset += writeName(bytes, view, 6, offset, service);
  offset += writeName(bytes, view, 8, offset, resource);
  offset += writeName(bytes, view, 10, offset, method);
  return bytes.subarray(0, offset);
}

/** @throws Error when the payload is no opening. */
export function decodeOpening(payload: Uint8Array): { names: OpeningNames; body: Uint8Array } {
  if (payload.length < FIXED_BYTES) throw new Error("Cannot read an opening: it is too short.");
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  let offset = FIXED_BYTES;
  const read = (at: number): string => {
    const length = view.getUint16(at, true);
    if (offset + length > payload.length) {
      throw new Error("Cannot read an opening: a name runs over its end.");
    }
    const text = readText(payload, offset, offset + length);
    offset += length;
    return text;
  };
  const names = {
    timeoutMs: view.getUint32(0, true),
    environment: read(4),
    service: read(6),
    resource: read(8),
    method: read(10),
  };
  return { names, body: payload.subarray(offset) };
}

function writeName(
  bytes: Uint8Array,
  view: DataView,
  lengthAt: number,
  offset: number,
  name: string,
): number {
  const length = writeText(bytes, offset, name);
  if (length > NAME_BYTES_MAX) {
    throw new LeverError(
      "malformed_request",
      `Cannot make the call: a name of ${length} bytes in its URL is over the limit of ${NAME_BYTES_MAX}.`,
    );
  }
  view.setUint16(lengthAt, length, true);
  return length;
}

/** Names are nearly always short and ASCII, where a loop beats the encoder's call. */
function writeText(bytes: Uint8Array, offset: number, text: string): number {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 127) return encoder.encodeInto(text, bytes.subarray(offset)).written;
    bytes[offset + i] = unit;
  }
  return text.length;
}

function readText(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let i = start; i < end; i++) {
    const unit = bytes[i] ?? 0;
    if (unit > 127) return decoder.decode(bytes.subarray(start, end));
    text += String.fromCharCode(unit);
  }
  return text;
}
