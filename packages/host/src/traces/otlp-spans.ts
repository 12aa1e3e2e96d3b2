import {
  formatCallId,
  type SpanAttributes,
  type SpanRecord,
  type SpanValue,
} from "@leveros/protocol";
import type { CallEnd } from "./call-end.ts";
import { type SpansOfCalls, spanWithin } from "./trace-records.ts";

/**
 * The JSON form of OTLP (opentelemetry-proto, docs/specification.md, "JSON Protobuf Encoding"): ids in hexadecimal, 64-bit
 * numbers as text, enumerations as numbers.
 */
interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly OtlpAttribute[];
  readonly events?: readonly {
    readonly timeUnixNano: string;
    readonly name: string;
    readonly attributes: readonly OtlpAttribute[];
  }[];
  readonly links?: readonly {
    readonly traceId: string;
    readonly spanId: string;
    readonly attributes: readonly OtlpAttribute[];
  }[];
  readonly status: { readonly code?: number; readonly message?: string };
}

type OtlpValue =
  | { readonly stringValue: string }
  | { readonly boolValue: boolean }
  | { readonly intValue: string }
  | { readonly doubleValue: number }
  | { readonly arrayValue: { readonly values: readonly OtlpValue[] } };

interface OtlpAttribute {
  readonly key: string;
  readonly value: OtlpValue;
}

/** Spans of one instance of a service, which is a resource of OpenTelemetry. */
export interface ResourceSpans {
  readonly resource: { readonly attributes: readonly OtlpAttribute[] };
  readonly scopeSpans: { readonly scope: { readonly name: string }; readonly spans: OtlpSpan[] }[];
}

/** A span with the call that it belongs to, and the library that recorded it. */
export interface ScopedSpan {
  readonly call: CallEnd;
  readonly scope: string;
  readonly span: OtlpSpan;
}

const SPAN_KIND_INTERNAL = 1;
const SPAN_KIND_SERVER = 2;
const STATUS_CODE_OK = 1;
const STATUS_CODE_ERROR = 2;
const SCOPE = "lever";

/** The calls of one trace, and how their ids are computed. */
export interface ExportedTrace {
  readonly traceId: string;
  /** The span outside of Lever in whose course the trace's first call is made. */
  readonly outerSpanId: string | undefined;
  readonly calls: readonly CallEnd[];
  readonly spans: SpansOfCalls;
  readonly spanIdOf: (number: number, kind?: 0 | 1) => string;
  /** Milliseconds since 1970, minus the host's clock. */
  readonly wallTimeOffset: number;
}

/** One span for each call, one for each wait, and those that services have recorded. */
export function spansOf(trace: ExportedTrace): ScopedSpan[] {
  return trace.calls.flatMap((call) => {
    const { details } = call;
    const spanId = trace.spanIdOf(call.number);
    const parentSpanId =
      call.parent === 0 ? trace.outerSpanId : (spanWithin(call) ?? trace.spanIdOf(call.parent));
    const recorded = trace.spans.get(call.number) ?? [];
    const own = recorded.find(({ id, parent }) => id === spanId && parent === undefined);
    const start = call.arrivedAt + trace.wallTimeOffset;
    const common = { traceId: trace.traceId, startTimeUnixNano: nanoseconds(start) };
    const span: OtlpSpan = {
      ...common,
      spanId,
      ...(parentSpanId !== undefined && { parentSpanId }),
      name: `${call.service}/${call.method}`,
      kind: SPAN_KIND_SERVER,
      endTimeUnixNano: nanoseconds(call.endedAt + trace.wallTimeOffset),
      ...(own === undefined ? {} : recordedIn(own, start)),
      attributes: [...attributesOf(call), ...(own === undefined ? [] : attributes(own.attributes))],
      status:
        details?.code === undefined
          ? statusOf(own ?? {})
          : { code: STATUS_CODE_ERROR, message: details.error ?? details.code },
    };
    const spans = [{ call, scope: SCOPE, span }];
    if (details?.waitMs !== undefined) {
      const wait: OtlpSpan = {
        ...common,
        spanId: trace.spanIdOf(call.number, 1),
        parentSpanId: spanId,
        name: "wait",
        kind: SPAN_KIND_INTERNAL,
        endTimeUnixNano: nanoseconds(start + details.waitMs),
        attributes: [],
        status: {},
      };
      spans.push({ call, scope: SCOPE, span: wait });
    }
    for (const record of recorded) {
      if (record === own) continue;
      const { scope = "", id, name, parent = spanId, kind = 0, startMs, ms } = record;
      const user: OtlpSpan = {
        traceId: trace.traceId,
        spanId: id,
        parentSpanId: parent,
        name,
        kind: kind + SPAN_KIND_INTERNAL,
        startTimeUnixNano: nanoseconds(start + startMs),
        endTimeUnixNano: nanoseconds(start + startMs + ms),
        attributes: attributes(record.attributes),
        ...recordedIn(record, start),
        status: statusOf(record),
      };
      spans.push({ call, scope, span: user });
    }
    return spans;
  });
}

/** The events and links of a span of a call that has begun at this time. */
function recordedIn(
  { startMs, events = [], links = [] }: SpanRecord,
  start: number,
): Pick<OtlpSpan, "events" | "links"> {
  return {
    ...(events.length > 0 && {
      events: events.map(({ name, atMs, attributes: of }) => ({
        timeUnixNano: nanoseconds(start + startMs + atMs),
        name,
        attributes: attributes(of),
      })),
    }),
    ...(links.length > 0 && {
      links: links.map(({ traceId, spanId, attributes: of }) => ({
        traceId,
        spanId,
        attributes: attributes(of),
      })),
    }),
  };
}

function statusOf({ status, message }: Pick<SpanRecord, "status" | "message">): OtlpSpan["status"] {
  if (status === undefined) return {};
  const code = status === "ok" ? STATUS_CODE_OK : STATUS_CODE_ERROR;
  return { code, ...(message !== undefined && { message }) };
}

function attributes(of: SpanAttributes = {}): OtlpAttribute[] {
  return Object.entries(of).map(([key, value]) => ({ key, value: otlpValue(value) }));
}

function otlpValue(value: SpanValue): OtlpValue {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value === "object") return { arrayValue: { values: value.map(otlpValue) } };
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

function attributesOf({ number, service, method, details }: CallEnd): OtlpAttribute[] {
  const { code, resource, start } = details ?? {};
  return [
    text("rpc.system", "lever"),
    text("rpc.service", service),
    text("rpc.method", method),
    text("faas.invocation_id", formatCallId(number)),
    ...(start === undefined ? [] : [{ key: "faas.coldstart", value: { boolValue: true } }]),
    ...(code === undefined ? [] : [text("error.type", code)]),
    ...(resource === undefined || resource === "" ? [] : [text("lever.resource", resource)]),
  ];
}

/** Groups spans by the instances that their calls had. */
export function groupByResource(spans: readonly ScopedSpan[]): ResourceSpans[] {
  const groups = new Map<string, ResourceSpans>();
  for (const { call, scope: name, span } of spans) {
    const { environment, service, version, instance = "" } = call;
    const key = [environment, service, version, instance].join("\n");
    let group = groups.get(key);
    if (group === undefined) {
      const described = [
        text("service.name", service),
        text("service.namespace", environment),
        ...(instance === ""
          ? []
          : [text("service.version", String(version)), text("service.instance.id", instance)]),
      ];
      group = { resource: { attributes: described }, scopeSpans: [] };
      groups.set(key, group);
    }
    let scope = group.scopeSpans.find((of) => of.scope.name === name);
    if (scope === undefined) {
      scope = { scope: { name }, spans: [] };
      group.scopeSpans.push(scope);
    }
    scope.spans.push(span);
  }
  return [...groups.values()];
}

function text(key: string, stringValue: string): OtlpAttribute {
  return { key, value: { stringValue } };
}

/** A number of 19 digits has more than JavaScript's numbers can tell apart. */
function nanoseconds(ms: number): string {
  const whole = Math.floor(ms);
  return `${whole}${String(Math.floor((ms - whole) * 1e6)).padStart(6, "0")}`;
}
