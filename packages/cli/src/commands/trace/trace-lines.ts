import {
  type CallRecord,
  printable,
  type SpanAttributes,
  type SpanRecord,
} from "@leveros/protocol";
import { formatMs } from "../calls/format-calls.ts";

/** Events of a span that are shown. */
const EVENTS_MAX = 10;

/** A call, or a span that a service has recorded, as a line of a trace. */
export interface Line {
  readonly name: string;
  /** 0 = it is in the course of no other. */
  readonly depth: number;
  /** Milliseconds since 1970. */
  readonly start: number;
  readonly ms: number;
  /** The part of its time in which it waited. */
  readonly waitMs: number;
  readonly result: "ok" | "running" | "failed";
  /** Shown behind its time. */
  readonly place: string;
  /** Shown below it. */
  readonly notes: readonly string[];
  /** The id of the call; undefined for a span. */
  readonly call: string | undefined;
}

/** Calls and spans in the order of the tree that they form. What has no parent among them is at the top. */
export function traceLines(calls: readonly CallRecord[]): readonly Line[] {
  const ids = new Set(calls.map(({ id }) => id));
  const spans = calls.flatMap((call) =>
    (call.spans ?? []).filter(isOwn).map((span) => ({ call, span })),
  );
  const spanIds = new Set(spans.map(({ span }) => span.id));
  const lines: Line[] = [];
  const addCall = (call: CallRecord, depth: number): void => {
    lines.push(lineOfCall(call, depth));
    const isIn = ({ call: of, span: { parent = "" } }: (typeof spans)[number]): boolean =>
      of === call && !spanIds.has(parent);
    const ofCall = calls.filter(
      ({ parent, parentSpan = "" }) => parent === call.id && !spanIds.has(parentSpan),
    );
    addAll(spans.filter(isIn), ofCall, depth + 1);
  };
  const addSpan = (call: CallRecord, span: SpanRecord, depth: number): void => {
    lines.push(lineOfSpan(call, span, depth));
    addAll(
      spans.filter((other) => other.span.parent === span.id),
      calls.filter(({ parentSpan }) => parentSpan === span.id),
      depth + 1,
    );
  };
  const addAll = (within: typeof spans, made: readonly CallRecord[], depth: number): void => {
    const all = [
      ...within.map(({ call, span }) => ({
        start: startOf(call) + span.startMs,
        add: () => addSpan(call, span, depth),
      })),
      ...made.map((call) => ({ start: startOf(call), add: () => addCall(call, depth) })),
    ];
    for (const { add } of all.sort((a, b) => a.start - b.start)) add();
  };
  for (const call of calls)
    if (call.parent === undefined || !ids.has(call.parent)) addCall(call, 0);
  return lines;
}

/** Not what the service has added to the span of the call. */
function isOwn({ id, parent }: SpanRecord): boolean {
  return parent !== undefined && parent !== id;
}

function lineOfCall(call: CallRecord, depth: number): Line {
  const { service, resource, method, waitMs, start, error, outcome, instance, version, host } =
    call;
  const path = resource === undefined ? [] : [resource];
  const notes: string[] = [];
  if (waitMs !== undefined) {
    const phases =
      start === undefined
        ? ""
        : `: prepare ${formatMs(start.prepareMs)}, launch ${formatMs(start.launchMs)}${start.isWarm ? " (warm)" : ""}, load ${formatMs(start.loadMs)}`;
    notes.push(`waited ${formatMs(waitMs)}${phases}`);
  }
  const result = outcome === "ok" || outcome === "running" ? outcome : "failed";
  if (result === "failed") notes.push(`✗ ${oneLine([outcome, error ?? ""].join(": "))}`);
  const added = (call.spans ?? []).find((span) => !isOwn(span));
  if (added !== undefined) notes.push(...notesOfSpan(added));
  return {
    name: oneLine([service, ...path, method].join("/")),
    depth,
    start: startOf(call),
    ms: call.ms,
    waitMs: waitMs ?? 0,
    result,
    place: [
      call.id,
      ...(instance === undefined ? [] : [`v${version} ${instance}`]),
      ...(host === undefined ? [] : [`host ${oneLine(host)}`]),
    ].join("  "),
    notes,
    call: call.id,
  };
}

function lineOfSpan(call: CallRecord, span: SpanRecord, depth: number): Line {
  return {
    name: oneLine(span.name),
    depth,
    start: startOf(call) + span.startMs,
    ms: span.ms,
    waitMs: 0,
    result: span.status === "error" ? "failed" : "ok",
    place: `span${span.scope === undefined ? "" : ` of ${oneLine(span.scope)}`}`,
    notes: notesOfSpan(span),
    call: undefined,
  };
}

function notesOfSpan({ status, message, attributes, events = [] }: SpanRecord): string[] {
  return [
    ...(status === "error" && message !== undefined ? [`✗ ${oneLine(message)}`] : []),
    ...(attributes === undefined ? [] : [formatAttributes(attributes)]),
    ...events
      .slice(0, EVENTS_MAX)
      .map(({ name, atMs, attributes: of = {} }) =>
        `at ${formatMs(atMs)}: ${oneLine(name)} ${formatAttributes(of)}`.trimEnd(),
      ),
    ...(events.length > EVENTS_MAX ? [`… ${events.length - EVENTS_MAX} more events`] : []),
  ];
}

/** Stacks are for `--json`. */
function formatAttributes(attributes: SpanAttributes): string {
  return Object.entries(attributes)
    .filter(([key]) => key !== "exception.stacktrace")
    .map(([key, value]) => oneLine(`${key}=${String(value)}`))
    .join("  ");
}

const oneLine = (text: string): string => printable(text.replaceAll("\n", " "));

const startOf = ({ at }: CallRecord): number => Date.parse(at);
