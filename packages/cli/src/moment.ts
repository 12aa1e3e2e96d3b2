import { parseDurationMs } from "@leveros/protocol";
import type { Reading } from "./parameters.ts";

const DAY_MS = 86_400_000;

/**
 * Reads a moment: a duration before now (`10m`, `2h`, `1d`), a time of day (`14:00`, the last one), or a date with or
 * without a time (`2026-01-31`, `2026-01-31T14:00:00Z`). Without a zone it is local time. undefined = none of them.
 */
export function parseMoment(text: string, now: Date): Date | undefined {
  const [, days] = /^(\d{1,5})d$/.exec(text) ?? [];
  const ago = days === undefined ? agoMs(text) : Number(days) * DAY_MS;
  if (ago !== undefined) return new Date(now.getTime() - ago);
  return timeOfDay(text, now) ?? dateAndTime(text);
}

/** For `--since` and `--until` of any command. */
export const moment: Reading<Date> = {
  parse: (text) => parseMoment(text, new Date()),
  allowed: "a duration (10m, 2h, 1d), a time (14:00) or a date (2026-01-31, 2026-01-31T14:00)",
};

/** A number without a unit is no duration here: nobody means milliseconds. */
function agoMs(text: string): number | undefined {
  return /[a-z]$/.test(text) ? parseDurationMs(text) : undefined;
}

/** Today's, or yesterday's when that is still to come. */
function timeOfDay(text: string, now: Date): Date | undefined {
  const [, hours, minutes, seconds = "0"] = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(text) ?? [];
  const [hour, minute, second] = [Number(hours), Number(minutes), Number(seconds)];
  if (!(hour <= 23 && minute <= 59 && second <= 59)) return undefined;
  const found = new Date(now);
  found.setHours(hour, minute, second, 0);
  if (found > now) found.setDate(found.getDate() - 1);
  return found;
}

const DATE = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(Z|[+-]\d\d:\d\d)?)?$/;

function dateAndTime(text: string): Date | undefined {
  const [, date, time = "00:00", zone = ""] = DATE.exec(text) ?? [];
  if (date === undefined) return undefined;
  const found = new Date(`${date}T${time}${zone}`);
  // The 31st of a shorter month would become a day of the next one.
  const isDay = !Number.isNaN(new Date(`${date}T00:00Z`).getTime());
  return isDay && !Number.isNaN(found.getTime()) ? found : undefined;
}
