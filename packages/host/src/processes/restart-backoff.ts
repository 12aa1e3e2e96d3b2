const FIRST_DELAY_MS = 250;
const DELAY_MAX_MS = 30_000;

/**
 * How long a service that failed this many times in a row stays down before it is started again: at once after the
 * first failure, then doubling from 250 ms to 30 s.
 */
export function restartDelayMs(failuresInARow: number): number {
  if (failuresInARow <= 1) return 0;
  return Math.min(DELAY_MAX_MS, FIRST_DELAY_MS * 2 ** Math.min(failuresInARow - 2, 20));
}
