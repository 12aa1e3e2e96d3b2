/**
 * A moment for people: `2026-01-31 12:00:00`. On a terminal it is local time. Elsewhere it is UTC, so that what a command
 * prints does not depend on the machine.
 */
export function shownTime(at: string, { isLocal }: { readonly isLocal: boolean }): string {
  const utc = new Date(at);
  const time = isLocal ? new Date(utc.getTime() - utc.getTimezoneOffset() * 60_000) : utc;
  return time.toISOString().slice(0, 19).replace("T", " ");
}
