/** Time as the host's parts see it: the machine's own, or one that a simulation turns by hand. */
export interface Clock {
  /** Milliseconds from some beginning; never goes back. */
  now(): number;
  /** Calls back once, after so many milliseconds. */
  setTimeout(callback: () => void, ms: number): unknown;
  /** Does nothing for a timer that is over, or undefined. */
  clearTimeout(timer: unknown): void;
}

/** The machine's own monotonic time. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout | undefined),
};
