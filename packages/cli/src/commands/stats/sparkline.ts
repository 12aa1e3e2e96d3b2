const BARS = "▁▂▃▄▅▆▇█";

/** A value at a time, in milliseconds since 1970. */
export interface Timed {
  readonly at: number;
  readonly value: number;
}

/** Draws the values of a time as bars, one for each part of it. A part without a value counts as zero. */
export function sparkline(
  values: readonly Timed[],
  { from, to, width }: { readonly from: number; readonly to: number; readonly width: number },
): string {
  const parts = new Array<number>(width).fill(0);
  for (const { at, value } of values) {
    const part = Math.min(width - 1, Math.max(0, Math.floor(((at - from) / (to - from)) * width)));
    parts[part] = Math.max(parts[part] ?? 0, value);
  }
  const most = Math.max(...parts);
  return parts.map((value) => barOf(value, most)).join("");
}

function barOf(value: number, most: number): string {
  if (most === 0) return BARS.charAt(0);
  // Any value but zero is more than the lowest bar.
  const level = value === 0 ? 0 : Math.max(1, Math.round((value / most) * (BARS.length - 1)));
  return BARS.charAt(level);
}
