import type { CallRecord } from "@leveros/protocol";
import { printable } from "../../printable.ts";
import { formatDuration } from "../../quantity.ts";
import { formatTable } from "../../table.ts";

export const CALL_HEAD: readonly string[] = [
  "TIME",
  "CALL",
  "METHOD",
  "TOOK",
  "RESULT",
  "WAITED",
  "CALLER",
  "INSTANCE",
];

/** A table of calls. */
export function formatCalls(
  calls: readonly CallRecord[],
  options: { readonly isLocal: boolean },
): string {
  return formatTable([CALL_HEAD, ...calls.map((call) => callRow(call, options))]);
}

export function callRow(
  call: CallRecord,
  { isLocal }: { readonly isLocal: boolean },
): readonly string[] {
  const { resource, waitMs, caller } = call;
  const path = resource === undefined ? [] : [resource];
  return [
    timeOfDay(call.at, isLocal),
    call.id,
    printable([call.service, ...path, call.method].join("/")),
    formatMs(call.ms),
    call.outcome,
    waitMs === undefined ? "" : formatMs(waitMs),
    caller ?? "",
    call.instance ?? "",
  ];
}

/** `14:02:11.529` */
function timeOfDay(at: string, isLocal: boolean): string {
  const utc = new Date(at);
  const shown = isLocal ? new Date(utc.getTime() - utc.getTimezoneOffset() * 60_000) : utc;
  return shown.toISOString().slice(11, 23);
}

/** Short times have a digit after the point: `1.2 ms`. */
export function formatMs(ms: number): string {
  return ms < 100 ? `${ms.toFixed(1)} ms` : formatDuration(ms);
}
