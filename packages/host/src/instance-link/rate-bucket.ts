/** A burst has the bytes that the rate allows in this time: short for a rate, long enough for a timer. */
const BURST_MS = 50;
const BURST_BYTES_MIN = 64 * 1024;

/** A token bucket, in bytes. It may be overdrawn: then nothing passes until time has refilled it. */
export class RateBucket {
  readonly #bytesPerMs: number;
  readonly #burstBytes: number;
  #bytes: number;
  #at: number;

  /** `now` in milliseconds of a clock that never decreases. */
  constructor(bytesPerSecond: number, now: number) {
    this.#bytesPerMs = bytesPerSecond / 1_000;
    this.#burstBytes = Math.max(BURST_BYTES_MIN, this.#bytesPerMs * BURST_MS);
    this.#bytes = this.#burstBytes;
    this.#at = now;
  }

  /** Takes bytes that have passed. Returns for how many milliseconds no more may pass; 0 = more may pass at once. */
  take(bytes: number, now: number): number {
    const gained = (now - this.#at) * this.#bytesPerMs;
    this.#bytes = Math.min(this.#burstBytes, this.#bytes + gained) - bytes;
    this.#at = now;
    return this.#bytes >= 0 ? 0 : Math.ceil(-this.#bytes / this.#bytesPerMs);
  }
}
