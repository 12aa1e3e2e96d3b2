/** Formats bytes in powers of 1000: `999 B`, `1.2 kB`, `30 MB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  let value = bytes;
  for (const unit of ["kB", "MB", "GB"]) {
    value /= 1_000;
    if (value < 9.95) return `${value.toFixed(1)} ${unit}`;
    if (value < 999.5) return `${Math.round(value)} ${unit}`;
  }
  return `${Math.round(value)} GB`;
}

/** Formats a duration: `12 ms`, `3.4 s`. */
export function formatDuration(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

/** Formats a number for one second: `0`, `0.25`, `32`. */
export function formatRate(perSecond: number): string {
  if (perSecond === 0) return "0";
  return perSecond < 10 ? perSecond.toFixed(2) : String(Math.round(perSecond));
}

/** Formats a share: `0 %`, `0.2 %`, `12 %`. */
export function formatShare(share: number): string {
  const percent = 100 * share;
  return `${percent === 0 || percent >= 10 ? Math.round(percent) : percent.toFixed(1)} %`;
}

/** Formats a short duration with more digits: `0.25 ms`, `3.1 ms`, `12 ms`. Empty for none. */
export function formatMilliseconds(ms: number | null): string {
  if (ms === null) return "";
  return ms < 10 ? `${ms.toFixed(ms < 1 ? 2 : 1)} ms` : formatDuration(ms);
}

/** Formats the time since a moment, in its largest unit: `12s`, `3m`, `5h`, `2d`. */
export function formatAge(sinceMs: number, nowMs: number): string {
  const seconds = Math.max(0, Math.floor((nowMs - sinceMs) / 1_000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** `1 entry`, `2 entries`. */
export function formatCount(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Parses `30m`, `12h` or `90d`, in milliseconds. Returns undefined for zero and for any other text. */
export function parseLifetime(text: string): number | undefined {
  const [, digits, unit = ""] = /^(\d{1,5})([mhd])$/.exec(text) ?? [];
  const ms = Number(digits) * (UNIT_MS[unit] ?? 1);
  return ms > 0 ? ms : undefined;
}
