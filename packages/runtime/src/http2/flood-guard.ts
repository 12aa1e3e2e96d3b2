/** Events that a connection may have in a burst, and so many more for each second. */
interface Allowance {
  readonly burst: number;
  readonly perSecond: number;
}

/**
 * Streams that end by a reset: by the client, or because of its error. Each costs this side a call that was begun for nothing
 * (CVE-2023-44487, CVE-2025-8671). nghttp2 and Node have the same numbers.
 */
export const RESETS: Allowance = { burst: 1_000, perSecond: 33 };

/**
 * Frames that carry nothing: SETTINGS, PING, PRIORITY, WINDOW_UPDATE, empty DATA, and frames of streams that are over
 * (CVE-2019-9512, 9515, 9518).
 */
export const EMPTY_FRAMES: Allowance = { burst: 10_000, perSecond: 1_000 };

/** Each request, and each frame of content in either direction, allows so many more: peers acknowledge and measure content. */
const FRAMES_PER_USEFUL_ONE = 4;

/** Counts events down, and adds to the count as time passes. The clock is read only when nothing is left. */
export class FloodGuard {
  readonly #allowance: Allowance;
  readonly #now: () => number;
  #left: number;
  #refilledAt: number;

  /** `now`: milliseconds. */
  constructor(allowance: Allowance, now: () => number) {
    this.#allowance = allowance;
    this.#now = now;
    this.#left = allowance.burst;
    this.#refilledAt = now();
  }

  /** Counts one event. False = there are too many. */
  spend(): boolean {
    if (this.#left < 1) this.#refill();
    this.#left--;
    return this.#left >= 0;
  }

  /** Something useful has happened. */
  earn(): void {
    if (this.#left < this.#allowance.burst) this.#left += FRAMES_PER_USEFUL_ONE;
  }

  #refill(): void {
    const { burst, perSecond } = this.#allowance;
    const now = this.#now();
    const added = Math.floor(((now - this.#refilledAt) / 1_000) * perSecond);
    this.#left = Math.min(burst, this.#left + added);
    this.#refilledAt = now;
  }
}
