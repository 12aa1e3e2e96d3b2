import type { TraceContext } from "./trace-ids.ts";

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const LENGTH_MAX = 200;

/** A header `traceparent` (W3C Trace Context, 3.2); undefined = it is malformed, and counts as absent. */
export function parseTraceparent(
  header: string | undefined,
): (TraceContext & { readonly isSampled: boolean }) | undefined {
  if (header === undefined || header.length > LENGTH_MAX) return undefined;
  const [, version, traceId = "", spanId = "", flags = "", rest] = TRACEPARENT.exec(header) ?? [];
  if (version === undefined || version === "ff" || (version === "00" && rest !== undefined)) {
    return undefined;
  }
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  // A part of the header's text would keep all of the request's head in memory.
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}
