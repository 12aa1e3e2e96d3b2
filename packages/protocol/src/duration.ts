const UNIT_MS: Readonly<Record<string, number>> = {
  "": 1,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/** Parses `1500`, `250ms`, `1.5s`, `2m` or `1h`, in whole milliseconds. Returns undefined for zero and for any other text. */
export function parseDurationMs(text: string): number | undefined {
  const [, digits, unit = ""] = /^(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h)?$/.exec(text) ?? [];
  const ms = Math.round(Number(digits) * (UNIT_MS[unit] ?? 1));
  return ms >= 1 ? ms : undefined;
}
