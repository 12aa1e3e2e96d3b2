/** Time as the host's parts see it: the machine's own, or a simulation's that tests advance. */
export interface Clock {
  /** Milliseconds since an arbitrary moment; never decreases. For deadlines and durations. */
  now(): number;
  /** Milliseconds since 1970; jumps when the machine's clock is set. For times that are recorded or shown. */
  wallTime(): number;
  /** Calls back once, after so many milliseconds. */
  setTimeout(callback: () => void, ms: number): unknown;
  /** Does nothing for undefined, or a timer that has fired. */
  clearTimeout(timer: unknown): void;
}

/** Node's timers hold 24 days at most, and fire after 1 ms when a time is longer. An instance's deadline may be longer. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** The machine's own time. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  setTimeout: (callback, ms) => setTimeout(callback, Math.min(ms, TIMER_MS_MAX)),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout | undefined),
};

/** A moment as it is recorded and shown. */
export function isoTime(wallTimeMs: number): string {
  return new Date(wallTimeMs).toISOString();
}

/** Resolves after so many milliseconds. */
export function delay(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => clock.setTimeout(resolve, ms));
}
