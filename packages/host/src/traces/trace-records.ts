import type { CallRecord, SpanRecord, TraceContext } from "@leveros/protocol";
import { traceIds } from "../router/call-numbers.ts";
import { type CallEnd, recordOf } from "./call-end.ts";

/** Spans that services have recorded in the course of calls, by the numbers of the calls. */
export type SpansOfCalls = ReadonlyMap<number, readonly SpanRecord[]>;

/** Calls in one trace. */
const CALLS_MAX = 1_000;

/** The calls of a trace that an environment sees, in the order in which they arrived. */
export function tracedRecords(
  calls: readonly CallEnd[],
  environment: string,
  { spans, wallTimeOffset }: { readonly spans: SpansOfCalls; readonly wallTimeOffset: number },
): readonly CallRecord[] {
  return calls
    .filter((call) => call.environment === environment)
    .sort((a, b) => a.arrivedAt - b.arrivedAt || a.number - b.number)
    .slice(0, CALLS_MAX)
    .map((call) => {
      const parentSpan = spanWithin(call);
      const recorded = spans.get(call.number);
      return {
        ...recordOf(call, wallTimeOffset),
        ...(parentSpan !== undefined && { parentSpan }),
        ...(recorded !== undefined && { span: traceIds.spanId(call.number), spans: recorded }),
      };
    });
}

/** The span in the course of which a call was made by another one, where that is known. */
export function spanWithin({ parent, details }: CallEnd): string | undefined {
  const spanId = details?.trace?.spanId;
  return parent === 0 || spanId === traceIds.spanId(parent) ? undefined : spanId;
}

export function traceIdOf(calls: readonly CallEnd[]): string {
  return traceOf(calls).outer?.traceId ?? traceIds.traceId(calls[0]?.root ?? 0);
}

/** The trace outside of Lever that the calls belong to. */
export function traceOf(calls: readonly CallEnd[]): {
  readonly outer: TraceContext | undefined;
  readonly outerSpanId: string | undefined;
} {
  const outer = calls.find((call) => call.details?.trace !== undefined)?.details?.trace;
  const first = calls.find((call) => call.parent === 0)?.details?.trace;
  return { outer, outerSpanId: first?.spanId };
}
