/** Upper bounds of the buckets of one decade. */
const STEPS = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 7.5] as const;
/** From 10 µs on. */
const DECADES_FROM = -2;
const DECADES = 8;

/** Upper bounds of all buckets but the last one, in milliseconds: 72 from 0.01 to 750,000. */
export const boundsMs: readonly number[] = Array.from({ length: DECADES }, (_, decade) =>
  STEPS.map((step) => Number(`${step}e${DECADES_FROM + decade}`)),
).flat();

/** The last bucket has no upper bound. */
export const BUCKETS = 73;
const FIRST_MS = 0.01;
const LAST_MS = 750_000;

/** A number and its upper 32 bits: sign, 11 bits of the exponent, 20 of the fraction. */
const float = new Float64Array(1);
const words = new Uint32Array(float.buffer);
float[0] = 1;
const UPPER = words[1] === 0 ? 0 : 1;
/** Leaves the exponent and two bits of the fraction. */
const KEY_SHIFT = 18;

function keyOf(ms: number): number {
  float[0] = ms;
  return (words[UPPER] ?? 0) >>> KEY_SHIFT;
}

const FIRST_KEY = keyOf(FIRST_MS);
/** By the key of a number: the first bucket that a number with this key may be in. */
const firstBuckets = new Uint8Array(keyOf(LAST_MS) - FIRST_KEY + 1);
for (let index = firstBuckets.length - 1; index >= 0; index--) {
  words[UPPER] = (index + FIRST_KEY) << KEY_SHIFT;
  words[1 - UPPER] = 0;
  const least = float[0] ?? 0;
  firstBuckets[index] = boundsMs.findIndex((bound) => bound >= least);
}

/** The bucket of a duration: the first one whose bound is not smaller. */
export function bucketOf(ms: number): number {
  if (!(ms > FIRST_MS)) return 0;
  if (ms > LAST_MS) return BUCKETS - 1;
  let bucket = firstBuckets[keyOf(ms) - FIRST_KEY] ?? 0;
  while (ms > (boundsMs[bucket] ?? Number.POSITIVE_INFINITY)) bucket++;
  return bucket;
}

/** A duration of a bucket whose trace is kept. */
export interface Exemplar {
  readonly traceId: string;
  readonly ms: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Durations, counted in buckets. */
export class Histogram {
  /** Not 32 bits wide: a busy method would reach their end within two days. */
  readonly counts: Float64Array = new Float64Array(BUCKETS);
  sumMs = 0;
  /** The last ones, by bucket. undefined = there are none, as of most methods. */
  #exemplars: Map<number, Exemplar> | undefined;

  /** The trace of a duration that was observed. */
  exemplify(exemplar: Exemplar): void {
    this.#exemplars ??= new Map();
    this.#exemplars.set(bucketOf(exemplar.ms), exemplar);
  }

  /** The last one in the buckets from one to another. */
  exemplar(from: number, to: number): Exemplar | undefined {
    let last: Exemplar | undefined;
    for (const [bucket, exemplar] of this.#exemplars ?? []) {
      const isNewer = last === undefined || exemplar.at > last.at;
      if (bucket >= from && bucket <= to && isNewer) last = exemplar;
    }
    return last;
  }

  observe(ms: number): void {
    const bucket = bucketOf(ms);
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.sumMs += ms;
  }

  add({ counts, sumMs }: Histogram): void {
    for (const [bucket, count] of counts.entries()) {
      this.counts[bucket] = (this.counts[bucket] ?? 0) + count;
    }
    this.sumMs += sumMs;
  }
}

/** The duration, in milliseconds, that this share of all durations did not exceed: 0.99 for p99. undefined = there are none. */
export function percentileMs(counts: ArrayLike<number>, share: number): number | undefined {
  let total = 0;
  for (let bucket = 0; bucket < BUCKETS; bucket++) total += counts[bucket] ?? 0;
  if (total === 0) return undefined;
  const rank = share * total;
  let below = 0;
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const count = counts[bucket] ?? 0;
    if (count > 0 && below + count >= rank) {
      const from = boundsMs[bucket - 1] ?? 0;
      const to = boundsMs[bucket] ?? from;
      return from + ((rank - below) / count) * (to - from);
    }
    below += count;
  }
  return boundsMs.at(-1);
}
