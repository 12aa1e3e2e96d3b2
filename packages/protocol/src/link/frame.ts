import { newMemory } from "../node-buffer.ts";
import { OPENING_BYTES_MAX } from "./opening.ts";

/**
 * The frames of the link: a header of 12 bytes, little-endian, then the payload.
 *
 *     u24 payload length | u8 slot | u8 type | u8 flags | u16 chunks | u32 call id
 *
 * - `slot`: the slot of shared memory that contains the payload; 0 = the payload follows the header.
 * - `chunks`: in the first frame of a message, the number of further frames with chunks of it.
 */
export const HEADER_BYTES = 12;

/** Most bytes of a message in one frame. Larger messages are sent as several frames, so that others get in between. */
export const CHUNK_BYTES: number = 64 * 1024;
/** An OPEN frame carries a head before its chunk. */
const PAYLOAD_BYTES_MAX: number = CHUNK_BYTES + OPENING_BYTES_MAX;

export const OPEN = 1;
export const MESSAGE = 2;
export const ABORT = 3;
export const CREDIT = 4;
export const CONTROL = 5;
export const PING = 6;
export const PONG = 7;
/** The receiver has read as many slots as the id field says. */
export const SLOTS_READ = 8;
/** How long the call waited for an instance, as JSON: before its first MESSAGE. */
export const ASSIGNED = 9;
/** The further calls of the message in the frame before, which has `FLAG_SHARED`: `CALL_BYTES` each. */
export const CALLS = 10;
/** The id of the call, as text: before the frame with the value that its method failed with. */
export const CALL_ID = 11;

export const CALL_BYTES = 4;
/** So many calls cost the receiver about as much as the largest message. */
export const SHARING_CALLS_MAX = 1_024;

/** The payload is bytes, not JSON. */
export const FLAG_BYTES = 1;
/** The message continues in the next MESSAGE frame of this call; the control message in the next CONTROL frame. */
export const FLAG_MORE = 2;
/** Half-close: the sender sends no more messages. */
export const FLAG_LAST = 4;
/** The payload is the method's error value; the call is over. */
export const FLAG_ERROR = 8;
/** On OPEN: a streaming call. */
export const FLAG_STREAM = 16;
/** On MESSAGE: the frame has flags and no message. */
export const FLAG_EMPTY = 32;
/** On MESSAGE: the frame that follows is CALLS. The message is whole, and has no further flag but `FLAG_BYTES`. */
export const FLAG_SHARED = 64;
/** On MESSAGE of a caller: the payload is lines of JSON, each a message. */
export const FLAG_LINES = 128;

/** Parts of the header's first word. */
const SLOT_SHIFT = 24;
const LENGTH_MASK = 0xff_ffff;

/** Writes a header at an offset. */
export function writeHeader(
  target: DataView,
  offset: number,
  length: number,
  type: number,
  flags: number,
  chunks: number,
  id: number,
  slot = 0,
): void {
  target.setUint32(offset, length | (slot << SLOT_SHIFT), true);
  target.setUint8(offset + 4, type);
  target.setUint8(offset + 5, flags);
  target.setUint16(offset + 6, chunks, true);
  target.setUint32(offset + 8, id, true);
}

/** The payload of a CREDIT frame: u32 bytes. */
export function encodeCredit(bytes: number): Uint8Array {
  const payload = new Uint8Array(4);
  new DataView(payload.buffer).setUint32(0, bytes, true);
  return payload;
}

/** @throws Error when the payload is not a credit. */
export function decodeCredit(payload: Uint8Array): number {
  if (payload.length !== 4) throw new Error("Cannot read credit: it is not four bytes.");
  return new DataView(payload.buffer, payload.byteOffset, 4).getUint32(0, true);
}

/** The fields of a frame before its payload. */
export interface FrameHeader {
  readonly type: number;
  readonly flags: number;
  readonly id: number;
  readonly chunks: number;
  readonly payloadBytes: number;
  readonly slot: number;
}

interface FrameReaderOptions {
  /** Called with each complete frame. */
  onFrame(header: FrameHeader, payload: Uint8Array): void;
  /**
   * Returns the memory for a payload that has arrived in part, or that is a chunk of a message: exactly as long as the
   * payload. undefined = the reader allocates it.
   */
  place(header: FrameHeader): Uint8Array | undefined;
  /** Copies a payload out of shared memory. @throws Error when it is not there. */
  readSlot(slot: number, target: Uint8Array): void;
  /** The memory of pushed bytes is reused later, so no payload may be a view of it. */
  readonly isBorrowed: boolean;
}

/** Copies of borrowed bytes share blocks of this size. */
const BLOCK_BYTES: number = 8 * 1024;
const NO_BYTES = new Uint8Array(0);

/**
 * Splits received bytes into frames. A payload that arrives in one piece, in memory that is not reused, is a view of the
 * received bytes. Any other payload is copied once. A frame over the limit is an error before its payload is stored.
 */
export class FrameReader {
  readonly #options: FrameReaderOptions;
  /** The first bytes of a header that has arrived in part. */
  readonly #head = new Uint8Array(HEADER_BYTES);
  readonly #headView = new DataView(this.#head.buffer);
  #headBytes = 0;
  /** The frame whose payload has arrived in part. */
  #header: FrameHeader | undefined;
  #payload: Uint8Array = NO_BYTES;
  #filledBytes = 0;
  #block: Uint8Array = NO_BYTES;

  constructor(options: FrameReaderOptions) {
    this.#options = options;
  }

  /** @throws Error when the bytes are no frames; the reader must not be used again. */
  push(pushed: Uint8Array): void {
    let bytes = pushed;
    let offset = this.#continueFrame(bytes);
    if (offset === bytes.length) return;
    let isOwned = !this.#options.isBorrowed;
    let view = viewOf(bytes);
    while (bytes.length - offset >= HEADER_BYTES) {
      const header = readHeader(view, offset);
      offset += HEADER_BYTES;
      if (header.slot > 0) {
        this.#readSlot(header);
        continue;
      }
      const end = offset + header.payloadBytes;
      if (end <= bytes.length && !(header.flags & FLAG_MORE)) {
        if (!isOwned) {
          // One copy for all remaining frames: there may be many.
          bytes = this.#copy(bytes.subarray(offset));
          view = viewOf(bytes);
          offset = 0;
          isOwned = true;
        }
        const start = offset;
        offset += header.payloadBytes;
        this.#options.onFrame(header, bytes.subarray(start, offset));
        continue;
      }
      this.#begin(header);
      offset += this.#fill(bytes, offset);
      if (this.#header !== undefined) return;
    }
    this.#head.set(bytes.subarray(offset));
    this.#headBytes = bytes.length - offset;
  }

  /** Continues the frame that has arrived in part. Returns the offset of the next frame. */
  #continueFrame(bytes: Uint8Array): number {
    let offset = 0;
    if (this.#headBytes > 0) {
      offset = Math.min(HEADER_BYTES - this.#headBytes, bytes.length);
      this.#head.set(bytes.subarray(0, offset), this.#headBytes);
      this.#headBytes += offset;
      if (this.#headBytes < HEADER_BYTES) return offset;
      this.#headBytes = 0;
      const header = readHeader(this.#headView, 0);
      if (header.slot > 0) this.#readSlot(header);
      else this.#begin(header);
    }
    return this.#header === undefined ? offset : offset + this.#fill(bytes, offset);
  }

  #readSlot(header: FrameHeader): void {
    const payload = this.#placeFor(header);
    this.#options.readSlot(header.slot, payload);
    this.#options.onFrame(header, payload);
  }

  #placeFor(header: FrameHeader): Uint8Array {
    return this.#options.place(header) ?? newMemory(header.payloadBytes);
  }

  #begin(header: FrameHeader): void {
    this.#header = header;
    this.#payload = this.#placeFor(header);
    this.#filledBytes = 0;
  }

  /** Returns the number of bytes that it used. */
  #fill(bytes: Uint8Array, offset: number): number {
    const payload = this.#payload;
    const header = this.#header;
    const count = Math.min(payload.length - this.#filledBytes, bytes.length - offset);
    payload.set(bytes.subarray(offset, offset + count), this.#filledBytes);
    this.#filledBytes += count;
    if (header !== undefined && this.#filledBytes === payload.length) {
      this.#header = undefined;
      this.#payload = NO_BYTES;
      this.#options.onFrame(header, payload);
    }
    return count;
  }

  #copy(bytes: Uint8Array): Uint8Array {
    const { length } = bytes;
    // The `slice` of a `Buffer` does not copy.
    if (length > BLOCK_BYTES / 4) return new Uint8Array(bytes);
    if (length > this.#block.length) this.#block = new Uint8Array(BLOCK_BYTES);
    const copy = this.#block.subarray(0, length);
    copy.set(bytes);
    this.#block = this.#block.subarray(length);
    return copy;
  }
}

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView =>
  new DataView(buffer, byteOffset, byteLength);

/** @throws Error when its payload is over the limit. */
function readHeader(view: DataView, offset: number): FrameHeader {
  const word = view.getUint32(offset, true);
  const payloadBytes = word & LENGTH_MASK;
  if (payloadBytes > PAYLOAD_BYTES_MAX) {
    throw new Error(`Cannot read a frame: its payload of ${payloadBytes} bytes is over the limit.`);
  }
  return {
    type: view.getUint8(offset + 4),
    flags: view.getUint8(offset + 5),
    chunks: view.getUint16(offset + 6, true),
    id: view.getUint32(offset + 8, true),
    payloadBytes,
    slot: word >>> SLOT_SHIFT,
  };
}
