/** Editors write a file in several steps, which follow each other at once. */
const QUIET_MS = 10;
/** The longest wait, for a folder that never gets quiet. */
const WAIT_MAX_MS = 250;

/** Calls a function once, when several changes have come to an end. */
export class QuietMoment {
  readonly #onQuiet: () => void;
  #timer: NodeJS.Timeout | undefined;
  #since = 0;

  constructor(onQuiet: () => void) {
    this.#onQuiet = onQuiet;
  }

  change(): void {
    const now = performance.now();
    if (this.#timer === undefined) this.#since = now;
    else if (now - this.#since >= WAIT_MAX_MS) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#onQuiet();
    }, QUIET_MS);
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}
