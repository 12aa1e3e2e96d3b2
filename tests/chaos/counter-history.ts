/** An increment of a counter, as its caller has seen it. Times are by the caller's clock. */
export interface Increment {
  readonly from: number;
  readonly to: number;
  /** The counter after it; undefined = the call failed: it may have taken place, at any time after `from`, or not. */
  readonly value: number | undefined;
}

/**
 * Whether the increments of a counter that begins at 0 can have taken place one after the other, each in a moment between its
 * call and its answer (linearizability). Exact, and quick, because each answer names its place in the order. Returns the first
 * contradiction; undefined = there is none.
 */
export function counterContradiction(history: readonly Increment[]): string | undefined {
  const byValue = new Map<number, Increment>();
  for (const increment of history) {
    const { value } = increment;
    if (value === undefined) continue;
    if (byValue.has(value)) return `two calls were answered ${value}`;
    byValue.set(value, increment);
  }
  const last = Math.max(0, ...byValue.keys());
  /** Of each place in the order, the earliest answer from there on: what comes before must have begun before it. */
  const endsBy = new Map<number, number>();
  let earliest = Number.POSITIVE_INFINITY;
  for (let value = last; value >= 1; value--) {
    earliest = Math.min(earliest, byValue.get(value)?.to ?? Number.POSITIVE_INFINITY);
    endsBy.set(value, earliest);
  }
  // An increment whose answer is lost may stand in any gap after its call. The earliest ones fill the first gaps.
  const unanswered = history
    .filter(({ value }) => value === undefined)
    .map(({ from }) => from)
    .sort((a, b) => a - b);
  let filled = 0;
  for (let value = 1; value <= last; value++) {
    const bound = endsBy.get(value) ?? Number.POSITIVE_INFINITY;
    const known = byValue.get(value);
    if (known !== undefined) {
      if (known.from > bound) {
        return `the call that was answered ${value} began after a higher answer had come`;
      }
      continue;
    }
    const from = unanswered[filled];
    if (from === undefined || from > bound) return `nobody can have made the increment to ${value}`;
    filled++;
  }
  return undefined;
}
