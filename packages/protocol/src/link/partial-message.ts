import { CHUNK_BYTES } from "./frame.ts";

/** A message that arrives in chunks. Its memory is allocated at once, so each chunk is copied once, to its place. */
export class PartialMessage {
  readonly #memory: Uint8Array;
  #receivedBytes = 0;

  /** @param memoryBytes the longest that the message can be. */
  constructor(memoryBytes: number) {
    this.#memory = new Uint8Array(memoryBytes);
  }

  get memoryBytes(): number {
    return this.#memory.length;
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** The memory for the next chunk; undefined = the chunk does not fit. */
  place(chunkBytes: number): Uint8Array | undefined {
    const start = this.#receivedBytes;
    const end = start + chunkBytes;
    return end > this.#memory.length ? undefined : this.#memory.subarray(start, end);
  }

  /**
   * Adds a chunk that is not the last one.
   * @throws Error when it is not full, or more than its first frame announced. Otherwise a peer could send a message in
   * any number of frames (L2).
   */
  add(chunk: Uint8Array): void {
    if (chunk.length !== CHUNK_BYTES) throw unexpectedChunk(chunk.length);
    if (this.#receivedBytes + chunk.length >= this.#memory.length)
      throw unexpectedChunk(chunk.length);
    this.#put(chunk);
  }

  /** Adds the last chunk and returns the message. @throws Error when it is longer than its first frame announced. */
  complete(chunk: Uint8Array): Uint8Array {
    if (this.#receivedBytes + chunk.length > this.#memory.length) {
      throw new Error("Cannot read a message: it is longer than its first frame announced.");
    }
    this.#put(chunk);
    return this.#memory.subarray(0, this.#receivedBytes);
  }

  /** The reader may have written the chunk to its place already. */
  #put(chunk: Uint8Array): void {
    if (chunk.buffer !== this.#memory.buffer) this.#memory.set(chunk, this.#receivedBytes);
    this.#receivedBytes += chunk.length;
  }
}

/** The error of a chunk that is not full, or that the first frame of its message did not announce. */
export function unexpectedChunk(bytes: number): Error {
  return new Error(
    `Cannot read a message: a chunk before the last has ${bytes} bytes, or was not announced.`,
  );
}

/** The number of frames after the first one of a message. */
export function chunksAfterFirst(bytes: number): number {
  return Math.ceil(bytes / CHUNK_BYTES) - 1;
}
