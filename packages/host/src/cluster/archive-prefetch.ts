import type { Clock } from "../clock.ts";

const AGAIN_AFTER_MS = 10_000;

/**
 * Fetches the archives of live versions, one after the other, before they are needed: so a host can start their instances while
 * the database is away.
 */
export class ArchivePrefetch {
  readonly #obtain: (codeId: string) => Promise<void>;
  readonly #clock: Clock;
  /** In the order in which they were wanted. */
  readonly #wanted = new Set<string>();
  #isFetching = false;
  #timer: unknown;
  #isClosed = false;

  constructor(obtain: (codeId: string) => Promise<void>, clock: Clock) {
    this.#obtain = obtain;
    this.#clock = clock;
  }

  want(codeId: string): void {
    this.#wanted.add(codeId);
    void this.#fetch();
  }

  /** No version needs it any more. */
  drop(codeId: string): void {
    this.#wanted.delete(codeId);
  }

  close(): void {
    this.#isClosed = true;
    this.#clock.clearTimeout(this.#timer);
  }

  async #fetch(): Promise<void> {
    if (this.#isFetching) return;
    this.#isFetching = true;
    for (const codeId of this.#wanted) {
      if (this.#isClosed) return;
      try {
        await this.#obtain(codeId);
        this.#wanted.delete(codeId);
      } catch {
        // The start of an instance reports what is wrong with it.
      }
    }
    this.#isFetching = false;
    if (this.#wanted.size === 0) return;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = this.#clock.setTimeout(() => void this.#fetch(), AGAIN_AFTER_MS);
  }
}
