import { type CallRecord, printable } from "@leveros/protocol";
import { formatDuration } from "../../quantity.ts";
import { formatTable } from "../../table.ts";

interface CallFormat {
  readonly isLocal: boolean;
  /** The calls are of several hosts. */
  readonly hasHosts: boolean;
}

export function callHead({ hasHosts }: Pick<CallFormat, "hasHosts">): readonly string[] {
  const head = ["TIME", "CALL", "METHOD", "TOOK", "RESULT", "WAITED", "CALLER", "INSTANCE"];
  return hasHosts ? [...head, "HOST"] : head;
}

/** A table of calls. */
export function formatCalls(
  calls: readonly CallRecord[],
  options: Pick<CallFormat, "isLocal">,
): string {
  const format = { ...options, hasHosts: calls.some(({ host }) => host !== undefined) };
  return formatTable([callHead(format), ...calls.map((call) => callRow(call, format))]);
}

export function callRow(call: CallRecord, { isLocal, hasHosts }: CallFormat): readonly string[] {
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
    ...(hasHosts ? [call.host ?? ""] : []),
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
