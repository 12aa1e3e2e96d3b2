import { CHUNK_BYTES, FLAG_MORE } from "./frame.ts";
import { unexpectedChunk } from "./partial-message.ts";

/**
 * Most bytes of one control message. The largest ones carry the variables of a service, or the names of 10,000 methods.
 * The receiver holds at most one (L2).
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

/** Joins the frames of control messages. */
export class ControlChunks {
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  readonly #onMessage: (message: Uint8Array) => void;

  constructor(onMessage: (message: Uint8Array) => void) {
    this.#onMessage = onMessage;
  }

  /** @throws Error when the message is too long, or a frame before its last is not full. */
  add(flags: number, payload: Uint8Array): void {
    const isLast = (flags & FLAG_MORE) === 0;
    if (isLast && this.#bytes === 0) {
      this.#onMessage(payload);
      return;
    }
    if (!isLast && payload.length !== CHUNK_BYTES) throw unexpectedChunk(payload.length);
    this.#bytes += payload.length;
    if (this.#bytes > CONTROL_BYTES_MAX) {
      throw new Error(
        `Cannot read a control message: it has more than ${CONTROL_BYTES_MAX} bytes.`,
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
    this.#chunks = [];
    this.#bytes = 0;
    this.#onMessage(message);
  }
}
