import type { CallRecord, SpanRecord } from "@leveros/protocol";

/** A call, or a span that a service has recorded, as a row of a waterfall. */
export interface TraceRow {
  readonly key: string;
  readonly name: string;
  /** 0 = it is in the course of no other. */
  readonly depth: number;
  /** Milliseconds since the start of the trace. */
  readonly startMs: number;
  readonly ms: number;
  /** The part of its time in which it waited. */
  readonly waitMs: number;
  readonly isBad: boolean;
  readonly isRunning: boolean;
  readonly call: CallRecord;
  /** undefined = the row is the call's own. */
  readonly span: SpanRecord | undefined;
}

/** Calls and spans in the order of the tree that they form. */
export function traceRows(calls: readonly CallRecord[]): readonly TraceRow[] {
  const start = Math.min(...calls.map(({ at }) => Date.parse(at)));
  const ids = new Set(calls.map(({ id }) => id));
  const spanIds = new Set(calls.flatMap(({ spans = [] }) => spans.map(({ id }) => id)));
  const rows: TraceRow[] = [];
  const addCall = (call: CallRecord, depth: number): void => {
    rows.push(rowOfCall(call, depth, start));
    const spans = (call.spans ?? []).filter(isOwn);
    const top = spans.filter(({ parent = "" }) => !spans.some(({ id }) => id === parent));
    const made = calls.filter(
      ({ parent, parentSpan = "" }) => parent === call.id && !spanIds.has(parentSpan),
    );
    addAll(call, spans, top, made, depth + 1);
  };
  const addAll = (
    call: CallRecord,
    spans: readonly SpanRecord[],
    top: readonly SpanRecord[],
    made: readonly CallRecord[],
    depth: number,
  ): void => {
    const callStart = Date.parse(call.at) - start;
    const all = [
      ...top.map((span) => ({
        startMs: callStart + span.startMs,
        add() {
          rows.push(rowOfSpan(call, span, depth, callStart));
          const within = spans.filter(({ parent }) => parent === span.id);
          const inSpan = calls.filter(({ parentSpan }) => parentSpan === span.id);
          addAll(call, spans, within, inSpan, depth + 1);
        },
      })),
      ...made.map((of) => ({
        startMs: Date.parse(of.at) - start,
        add: () => addCall(of, depth),
      })),
    ];
    for (const { add } of all.sort((a, b) => a.startMs - b.startMs)) add();
  };
  for (const call of calls) {
    if (call.parent === undefined || !ids.has(call.parent)) addCall(call, 0);
  }
  return rows;
}

/** Not one that the service has added to the span of the call. */
function isOwn({ id, parent }: SpanRecord): boolean {
  return parent !== undefined && parent !== id;
}

export function isBad({ outcome }: Pick<CallRecord, "outcome">): boolean {
  return outcome !== "ok" && outcome !== "running" && outcome !== "cancelled";
}

function rowOfCall(call: CallRecord, depth: number, start: number): TraceRow {
  const { id, service, method, resource, at, ms, waitMs = 0, outcome } = call;
  const of = resource === undefined ? "" : `/${resource}`;
  return {
    key: id,
    name: `${service}${of}/${method}`,
    depth,
    startMs: Date.parse(at) - start,
    ms,
    waitMs,
    isBad: isBad(call),
    isRunning: outcome === "running",
    call,
    span: undefined,
  };
}

function rowOfSpan(call: CallRecord, span: SpanRecord, depth: number, callStart: number): TraceRow {
  const { id, name, startMs, ms, status } = span;
  return {
    key: `${call.id} ${id}`,
    name,
    depth,
    startMs: callStart + startMs,
    ms,
    waitMs: 0,
    isBad: status === "error",
    isRunning: false,
    call,
    span,
  };
}
