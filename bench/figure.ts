import { median } from "../tests/harness/load.ts";

/** Something that was measured, and what is promised of it. */
export interface Figure {
  readonly name: string;
  /** The value, or the median of several measurements. */
  readonly value: number | string;
  /** Such as `≤ 1.5`; undefined = nothing is promised. */
  readonly target?: string;
  readonly isKept?: boolean;
  /** The number of the target. */
  readonly limit?: number;
  /** Each measurement, in the order of the rounds. */
  readonly samples?: readonly number[];
  /** Where it is drawn: figures of one chart are its bars. */
  readonly bar?: { readonly chart: string; readonly label: string };
}

type Measured = number | readonly number[];

/** A figure of which nothing is promised. */
export function measured(name: string, value: Measured, bar?: Figure["bar"]): Figure {
  return { name, ...summary(value), ...(bar !== undefined && { bar }) };
}

/** A figure that must not be greater. */
export const atMost = (name: string, value: Measured, limit: number): Figure =>
  promised(name, value, { target: `≤ ${rounded(limit)}`, limit, isGood: (held) => held <= limit });

/** A figure that must not be smaller. */
export const atLeast = (name: string, value: Measured, limit: number): Figure =>
  promised(name, value, { target: `≥ ${rounded(limit)}`, limit, isGood: (held) => held >= limit });

function promised(
  name: string,
  value: Measured,
  promise: { target: string; limit: number; isGood: (value: number) => boolean },
): Figure {
  const { target, limit, isGood } = promise;
  const held = summary(value);
  return { name, ...held, target, limit, isKept: isGood(held.value) };
}

function summary(value: Measured): { value: number; samples?: readonly number[] } {
  return typeof value === "number" ? { value } : { value: median(value), samples: value };
}

/** As people read it: four digits, or a whole number. */
export function rounded(value: number): string {
  if (Number.isInteger(value)) return String(value);
  return Math.abs(value) >= 1_000 ? value.toFixed(0) : String(Number(value.toPrecision(4)));
}

/** `0.91–1.08`; empty for what was measured once. */
export function spreadOf({ samples = [] }: Figure): string {
  return samples.length < 2
    ? ""
    : `${rounded(Math.min(...samples))}–${rounded(Math.max(...samples))}`;
}

/**
 * How far the best measurement is on the good side of its target: 1 = it reaches the target, 0.5 = it is half of what must be
 * reached, or twice what is allowed. A promise of none (`≤ 0`) is kept (1) or not (0).
 */
export function bestBesideTarget({ value, samples, target, limit, isKept }: Figure): number {
  const values = samples ?? [Number(value)];
  if (limit === undefined || limit === 0) return isKept === false ? 0 : 1;
  return target?.startsWith("≥") === true
    ? Math.max(...values) / limit
    : limit / Math.min(...values);
}

/** `ok`, `MISSED`, or nothing when nothing is promised. */
export const verdictOf = ({ isKept }: Figure): string =>
  isKept === undefined ? "" : isKept ? "ok" : "MISSED";

/** One series divided by another, round by round: what disturbed a round disturbed both. */
export function ratios(of: readonly number[], to: readonly number[]): number[] {
  return of.map((value, round) => value / (to[round] ?? Number.NaN));
}
