/** How far back cold starts tell how many may come. */
const MEMORY_MS = 600_000;
/** Starts within this time come faster than new processes do. */
const BURST_MS = 5_000;

/** Those of the past starts that still count. */
export function recentStarts(starts: readonly number[], now: number): number[] {
  return starts.filter((at) => now - at < MEMORY_MS);
}

/**
 * How many runtimes to keep ready: as many as were needed in the busiest five seconds of the last ten minutes, at least
 * one, at most `max`. `starts` are times in milliseconds, in order.
 */
export function decidePoolSize(starts: readonly number[], now: number, max: number): number {
  const recent = recentStarts(starts, now);
  let busiest = 1;
  let from = 0;
  for (const [index, at] of recent.entries()) {
    while (at - (recent[from] ?? 0) >= BURST_MS) from++;
    busiest = Math.max(busiest, index - from + 1);
  }
  return Math.min(busiest, max);
}
