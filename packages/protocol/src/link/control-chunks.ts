import { CHUNK_BYTES, FLAG_MORE } from "./frame.ts";
import { unexpectedChunk } from "./partial-message.ts";

/**
 * Most bytes of one control message. The largest ones carry the variables of a service, or the names of 10,000 methods.
 * The receiver stores at most one.
 */
const CONTROL_BYTES_MAX = 16 * 1024 * 1024;

/** The frames of a control message: flags and payload of each. All but the last are full. */
export function* controlFrames(message: Uint8Array): Generator<readonly [number, Uint8Array]> {
  let start = 0;
  for (; message.length - start > CHUNK_BYTES; start += CHUNK_BYTES) {
    yield [FLAG_MORE, message.subarray(start, start + CHUNK_BYTES)];
  }
  yield [0, message.subarray(start)];
}

interface ControlOwner {
  onMessage(message: Uint8Array): void;
  /** Counts bytes that are stored; negative = released. False = too many (L4). */
  countStored(bytes: number): boolean;
}

/** Joins the frames of control messages. */
export class ControlChunks {
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  readonly #owner: ControlOwner;

  constructor(owner: ControlOwner) {
    this.#owner = owner;
  }

  /** @throws Error when the message is too long, too many bytes are stored, or a frame before the last is not full. */
  add(flags: number, payload: Uint8Array): void {
    const isLast = (flags & FLAG_MORE) === 0;
    if (isLast && this.#bytes === 0) {
      this.#owner.onMessage(payload);
      return;
    }
    if (!isLast && payload.length !== CHUNK_BYTES) throw unexpectedChunk(payload.length);
    this.#bytes += payload.length;
    if (!this.#owner.countStored(payload.length) || this.#bytes > CONTROL_BYTES_MAX) {
      throw new Error(
        `Cannot read a control message: it has more than ${CONTROL_BYTES_MAX} bytes, or the link stores too many.`,
      );
    }
    // The reader may use the memory of the payload again.
    this.#chunks.push(payload.slice());
    if (!isLast) return;
    const message = new Uint8Array(this.#bytes);
    let at = 0;
    for (const chunk of this.#chunks) {
      message.set(chunk, at);
      at += chunk.length;
    }
    this.drop();
    this.#owner.onMessage(message);
  }

  /** Releases the frames so far. */
  drop(): void {
    if (this.#bytes > 0) this.#owner.countStored(-this.#bytes);
    this.#chunks = [];
    this.#bytes = 0;
  }
}
