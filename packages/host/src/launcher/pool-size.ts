/** How long a start counts for the size of the pool. */
export const HISTORY_MS = 600_000;
/** A burst: starts within this time come faster than new processes can be started. */
const BURST_MS = 5_000;

/** The start of an instance. */
export interface Start {
  /** Milliseconds of any clock. */
  readonly at: number;
  /** Megabytes of the instance. A warm runtime fits instances of its own `ram` only. */
  readonly ram: number;
}

/** The starts that still count. */
export function recentStarts(starts: readonly Start[], now: number): Start[] {
  return starts.filter(({ at }) => now - at < HISTORY_MS);
}

interface PoolOptions {
  readonly now: number;
  /** The most runtimes, counting all sizes. */
  readonly max: number;
  readonly defaultRam: number;
}

/**
 * How many runtimes of each `ram` to keep warm: as many as started in the busiest five seconds of the last ten minutes, and
 * at least one with `defaultRam`. When `max` is too few for all, sizes that were started last come first, after
 * `defaultRam`. `starts` must be in order of time.
 */
export function decidePool(
  starts: readonly Start[],
  { now, max, defaultRam }: PoolOptions,
): Map<number, number> {
  const byRam = Map.groupBy(recentStarts(starts, now), ({ ram }) => ram);
  const lastAt = (ram: number): number => byRam.get(ram)?.at(-1)?.at ?? 0;
  const others = [...byRam.keys()].filter((ram) => ram !== defaultRam);
  others.sort((a, b) => lastAt(b) - lastAt(a));
  const pool = new Map<number, number>();
  let remaining = max;
  for (const ram of [defaultRam, ...others]) {
    const wanted = Math.min(remaining, largestBurst(byRam.get(ram) ?? []));
    if (wanted > 0) pool.set(ram, wanted);
    remaining -= wanted;
  }
  return pool;
}

/** The most starts within `BURST_MS`; 1 without any. */
function largestBurst(starts: readonly Start[]): number {
  let largest = 1;
  let from = 0;
  for (const [index, { at }] of starts.entries()) {
    while (at - (starts[from]?.at ?? 0) >= BURST_MS) from++;
    largest = Math.max(largest, index - from + 1);
  }
  return largest;
}
