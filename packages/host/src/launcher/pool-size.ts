/** How far back cold starts tell how many may come. */
export const HISTORY_MS = 600_000;
/** Starts within this time come faster than new processes do. */
const BURST_MS = 5_000;

/** An instance was started. */
export interface Start {
  /** Milliseconds, by any clock. */
  readonly at: number;
  /** Megabytes that it is allotted: a runtime is started for so many, and no others. */
  readonly ram: number;
}

/** Those of the past starts that still count. */
export function recentStarts(starts: readonly Start[], now: number): Start[] {
  return starts.filter(({ at }) => now - at < HISTORY_MS);
}

/**
 * How many runtimes to keep ready for each `ram`: as many as were needed in the busiest five seconds of the last ten minutes,
 * and of the usual one at least one; at most `max` together, those that were needed last first. `starts` are in order.
 */
export function decidePool(
  starts: readonly Start[],
  options: { now: number; max: number; usualRam: number },
): Map<number, number> {
  const { now, max, usualRam } = options;
  const byRam = Map.groupBy(recentStarts(starts, now), ({ ram }) => ram);
  const lastAt = (ram: number): number => byRam.get(ram)?.at(-1)?.at ?? 0;
  const others = [...byRam.keys()].filter((ram) => ram !== usualRam);
  others.sort((a, b) => lastAt(b) - lastAt(a));
  const pool = new Map<number, number>();
  let left = max;
  for (const ram of [usualRam, ...others]) {
    const wanted = Math.min(left, busiest(byRam.get(ram) ?? []));
    if (wanted > 0) pool.set(ram, wanted);
    left -= wanted;
  }
  return pool;
}

function busiest(starts: readonly Start[]): number {
  let most = 1;
  let from = 0;
  for (const [index, { at }] of starts.entries()) {
    while (at - (starts[from]?.at ?? 0) >= BURST_MS) from++;
    most = Math.max(most, index - from + 1);
  }
  return most;
}
