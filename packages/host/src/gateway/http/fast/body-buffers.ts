/** A smaller body's memory is as soon made anew. */
const BYTES_MIN: number = 64 * 1024;
/** Kept in all. */
const KEPT_BYTES_MAX: number = 16 * 1024 * 1024;

/**
 * The memory of large bodies, which is used again: V8 searches the whole heap each time that some tens of megabytes of
 * buffers have been made, and the system gives new memory page by page.
 */
export class BodyMemory {
  /** Those given back last are at the end. */
  readonly #free: Buffer[] = [];
  #freeBytes = 0;
  /** Since `shrink` was called. */
  #freeBytesLeast = 0;

  /** Memory for a body, perhaps more than it needs. What is in it is what was there before. */
  take(bytes: number): Buffer {
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

  /** What was taken is used by nobody any more. */
  give(buffer: Buffer): void {
    if (buffer.length < BYTES_MIN || this.#freeBytes + buffer.length > KEPT_BYTES_MAX) return;
    this.#free.push(buffer);
    this.#freeBytes += buffer.length;
  }

  /** Lets go of what has not been needed since this was called last. */
  shrink(): void {
    while (this.#freeBytesLeast > 0) {
      const { length } = this.#free.shift() ?? [];
      this.#freeBytes -= length;
      this.#freeBytesLeast -= length;
    }
    this.#freeBytesLeast = this.#freeBytes;
  }
}
