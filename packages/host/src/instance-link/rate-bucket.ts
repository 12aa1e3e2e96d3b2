/** A burst is what the rate allows in this time: short enough to be called a rate, long enough for a timer. */
const BURST_MS = 50;
const BURST_BYTES_MIN = 64 * 1024;

/** A token bucket, in bytes: what is taken beyond its content is a debt, which time pays back. */
export class RateBucket {
  readonly #bytesPerMs: number;
  readonly #burstBytes: number;
  #bytes: number;
  #at: number;

  /** `now` in milliseconds, of any clock that does not go back. */
  constructor(bytesPerSecond: number, now: number) {
    this.#bytesPerMs = bytesPerSecond / 1_000;
    this.#burstBytes = Math.max(BURST_BYTES_MIN, this.#bytesPerMs * BURST_MS);
    this.#bytes = this.#burstBytes;
    this.#at = now;
  }

  /** Takes what has gone through. Returns for how many milliseconds nothing more may; 0 = it may at once. */
  take(bytes: number, now: number): number {
    const gained = (now - this.#at) * this.#bytesPerMs;
    this.#bytes = Math.min(this.#burstBytes, this.#bytes + gained) - bytes;
    this.#at = now;
    return this.#bytes >= 0 ? 0 : Math.ceil(-this.#bytes / this.#bytesPerMs);
  }
}
