import type { BodyMemory } from "@leveros/protocol";

/** A smaller buffer is as cheap to allocate. */
const BYTES_MIN: number = 64 * 1024;
/** Bytes of all unused buffers. */
const FREE_BYTES_MAX: number = 16 * 1024 * 1024;

/**
 * Reuses the buffers of large bodies. V8 collects the complete heap after each few tens of megabytes of new buffers, and the
 * system provides new memory page by page.
 */
export class BodyBuffers implements BodyMemory<Buffer> {
  readonly empty: Buffer = Buffer.alloc(0);
  /** The last released ones are at the end. */
  readonly #free: Buffer[] = [];
  #freeBytes = 0;
  /** The lowest value of `#freeBytes` since the last call of `shrink`. */
  #freeBytesLeast = 0;

  /** A buffer for a body, which may be larger than the body, and has old content. */
  acquire(bytes: number): Buffer {
    if (bytes < BYTES_MIN) return Buffer.allocUnsafeSlow(bytes);
    const size = 2 ** Math.ceil(Math.log2(bytes));
    const index = this.#free.findLastIndex((buffer) => buffer.length === size);
    const found = this.#free[index];
    if (found === undefined) return Buffer.allocUnsafeSlow(size);
    this.#free.splice(index, 1);
    this.#freeBytes -= size;
    this.#freeBytesLeast = Math.min(this.#freeBytesLeast, this.#freeBytes);
    return found;
  }

  /** Makes an acquired buffer available again: its content will be overwritten. */
  release(buffer: Buffer): void {
    if (buffer.length < BYTES_MIN || this.#freeBytes + buffer.length > FREE_BYTES_MAX) return;
    this.#free.push(buffer);
    this.#freeBytes += buffer.length;
  }

  /** A function that releases the buffer. Made here, so that callers without a buffer allocate no closure context. */
  releaserOf(buffer: Buffer): () => void {
    return () => this.release(buffer);
  }

  /** Frees the buffers that were not needed since the last call. */
  shrink(): void {
    while (this.#freeBytesLeast > 0) {
      const { length } = this.#free.shift() ?? [];
      this.#freeBytes -= length;
      this.#freeBytesLeast -= length;
    }
    this.#freeBytesLeast = this.#freeBytes;
  }
}
