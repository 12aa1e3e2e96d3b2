/** Time as the host's parts see it: the machine's own, or one that a simulation turns by hand. */
export interface Clock {
  /** Milliseconds from some beginning; never goes back. */
  now(): number;
  /** Calls back once, after so many milliseconds. */
  setTimeout(callback: () => void, ms: number): unknown;
  /** Does nothing for a timer that is over, or undefined. */
  clearTimeout(timer: unknown): void;
}

/** What Node's timers can hold, 24 days; a longer time they take for 1 ms, as an instance's deadline may be. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** The machine's own monotonic time. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout: (callback, ms) => setTimeout(callback, Math.min(ms, TIMER_MS_MAX)),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout | undefined),
};
