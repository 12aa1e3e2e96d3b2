const FIRST_DELAY_MS = 250;
const DELAY_MAX_MS = 30_000;

/**
 * The delay before the next start after so many failures in a row: none after the first failure, then 250 ms, doubled with
 * each further failure up to 30 s.
 */
export function restartDelayMs(failuresInARow: number): number {
  if (failuresInARow <= 1) return 0;
  return Math.min(DELAY_MAX_MS, FIRST_DELAY_MS * 2 ** Math.min(failuresInARow - 2, 20));
}
