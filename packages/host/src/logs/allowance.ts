/** Bytes that may be logged: refilled at a rate, up to a burst. */
export class Allowance {
  readonly #bytesPerMs: number;
  readonly #burstBytes: number;
  #bytes: number;
  #at: number;

  /** `now` in milliseconds of a clock that never decreases. */
  constructor(bytesPerSecond: number, burstBytes: number, now: number) {
    this.#bytesPerMs = bytesPerSecond / 1_000;
    this.#burstBytes = burstBytes;
    this.#bytes = burstBytes;
    this.#at = now;
  }

  /** False = there is not enough. Then nothing is taken. */
  take(bytes: number, now: number): boolean {
    const gained = (now - this.#at) * this.#bytesPerMs;
    this.#bytes = Math.min(this.#burstBytes, this.#bytes + gained);
    this.#at = now;
    if (this.#bytes < bytes) return false;
    this.#bytes -= bytes;
    return true;
  }

  /** Takes bytes that are logged in any case. What is missing must be refilled first. */
  overdraw(bytes: number): void {
    this.#bytes -= bytes;
  }
}
