import { type HostEvent, printable } from "@leveros/protocol";
import { shownTime } from "../../shown-time.ts";

interface EventFormat {
  readonly isLocal: boolean;
  /** Names the environment. Default: false, events are of one. */
  readonly ofAll?: boolean;
}

/** `2026-01-31 12:00:00  warn   instance failed  service=x  reason="…"`; in a cluster, the host stands before the event. */
export function formatEvent(event: HostEvent, options: EventFormat): string {
  const { at, level, part, event: name, environment, host, ...others } = event;
  const fields = options.ofAll === true ? { environment, ...others } : others;
  const shown = Object.entries(fields).flatMap(([field, value]) =>
    value === undefined ? [] : [`${field}=${formatValue(value)}`],
  );
  const place = typeof host === "string" ? [host] : [];
  return printable([shownTime(at, options), level.padEnd(5), ...place, name, ...shown].join("  "));
}

function formatValue(value: unknown): string {
  if (typeof value === "number") return String(Math.round(value * 10) / 10);
  return typeof value === "string" && /^[\w.:/-]+$/.test(value) ? value : JSON.stringify(value);
}
