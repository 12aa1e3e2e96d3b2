/**
 * The frames of the link: a header of 12 bytes, little-endian, then the payload.
 *
 *     u32 payload length | u8 type | u8 flags | u16 zero | u32 call id
 */
export const HEADER_BYTES = 12;

/** The most payload that one frame may carry; larger messages go in several frames, so that small ones pass between. */
export const CHUNK_BYTES: number = 64 * 1024;
/** An opening carries names before its chunk: four of at most 16 KiB each, the most a request line can bring. */
const PAYLOAD_BYTES_MAX: number = CHUNK_BYTES + 4 * 16 * 1024 + 16;

export const OPEN = 1;
export const MESSAGE = 2;
export const ABORT = 3;
export const CREDIT = 4;
export const CONTROL = 5;
export const PING = 6;
export const PONG = 7;

/** The payload is bytes, not JSON. */
export const FLAG_BYTES = 1;
/** The message goes on in the next MESSAGE frame of this call. */
export const FLAG_MORE = 2;
/** Half-close: nothing more comes from this side. */
export const FLAG_LAST = 4;
/** The payload is the method's error value; the call is over. */
export const FLAG_ERROR = 8;
/** On OPEN: a streaming call. */
export const FLAG_STREAM = 16;
/** On MESSAGE: there is no message, only the flags. */
export const FLAG_EMPTY = 32;

/** Writes a header at an offset. */
export function writeHeader(
  target: DataView,
  offset: number,
  length: number,
  type: number,
  flags: number,
  id: number,
): void {
  target.setUint32(offset, length, true);
  target.setUint8(offset + 4, type);
  target.setUint8(offset + 5, flags);
  target.setUint16(offset + 6, 0, true);
  target.setUint32(offset + 8, id, true);
}

/**
 * Cuts arriving chunks into frames. Payloads are views into the chunk where they arrived whole.
 * A frame longer than the limit is an error before its payload is kept.
 */
export class FrameReader {
  #rest: Uint8Array[] = [];
  #restBytes = 0;
  #neededBytes = HEADER_BYTES;
  readonly #onFrame: (type: number, flags: number, id: number, payload: Uint8Array) => void;

  constructor(onFrame: (type: number, flags: number, id: number, payload: Uint8Array) => void) {
    this.#onFrame = onFrame;
  }

  /** @throws Error when the bytes are no frames; the reader must not be used again. */
  push(chunk: Uint8Array): void {
    let bytes = chunk;
    if (this.#restBytes > 0) {
      this.#rest.push(chunk);
      this.#restBytes += chunk.length;
      if (this.#restBytes < this.#neededBytes) return;
      bytes = concat(this.#rest, this.#restBytes);
      this.#rest = [];
      this.#restBytes = 0;
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let offset = 0;
    this.#neededBytes = HEADER_BYTES;
    while (bytes.length - offset >= HEADER_BYTES) {
      const length = view.getUint32(offset, true);
      if (length > PAYLOAD_BYTES_MAX) {
        throw new Error(`Cannot read a frame: its payload of ${length} bytes is over the limit.`);
      }
      const end = offset + HEADER_BYTES + length;
      if (end > bytes.length) {
        this.#neededBytes = HEADER_BYTES + length;
        break;
      }
      const payload = bytes.subarray(offset + HEADER_BYTES, end);
      const type = view.getUint8(offset + 4);
      const flags = view.getUint8(offset + 5);
      const id = view.getUint32(offset + 8, true);
      offset = end;
      this.#onFrame(type, flags, id, payload);
    }
    if (offset < bytes.length) {
      this.#rest.push(offset === 0 ? bytes : bytes.subarray(offset));
      this.#restBytes = bytes.length - offset;
    }
  }
}

export function concat(parts: readonly Uint8Array[], totalBytes: number): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const whole = new Uint8Array(totalBytes);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
