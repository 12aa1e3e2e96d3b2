import { formatCallId } from "@leveros/protocol";
import type { CallEnd } from "./call-end.ts";

/**
 * The JSON form of OTLP (opentelemetry-proto, docs/specification.md, "JSON Protobuf Encoding"): ids in hexadecimal, 64-bit
 * numbers as text, enumerations as numbers.
 */
export interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly OtlpAttribute[];
  readonly status: { readonly code?: number; readonly message?: string };
}

interface OtlpAttribute {
  readonly key: string;
  readonly value: { readonly stringValue: string } | { readonly boolValue: boolean };
}

/** Spans of one instance of a service, which is a resource of OpenTelemetry. */
export interface ResourceSpans {
  readonly resource: { readonly attributes: readonly OtlpAttribute[] };
  readonly scopeSpans: readonly [
    { readonly scope: { readonly name: string }; readonly spans: OtlpSpan[] },
  ];
}

const SPAN_KIND_INTERNAL = 1;
const SPAN_KIND_SERVER = 2;
const STATUS_CODE_ERROR = 2;
const SCOPE = { name: "lever" } as const;

/** The calls of one trace, and how their ids are computed. */
export interface ExportedTrace {
  readonly traceId: string;
  /** The span outside of Lever in whose course the trace's first call is made. */
  readonly outerSpanId: string | undefined;
  readonly calls: readonly CallEnd[];
  readonly spanIdOf: (number: number, kind?: 0 | 1) => string;
  /** Milliseconds since 1970, minus the host's clock. */
  readonly wallTimeOffset: number;
}

/** One span for each call, and one for each wait. */
export function spansOf(
  trace: ExportedTrace,
): { readonly call: CallEnd; readonly span: OtlpSpan }[] {
  return trace.calls.flatMap((call) => {
    const { details } = call;
    const spanId = trace.spanIdOf(call.number);
    const parentSpanId = call.parent === 0 ? trace.outerSpanId : trace.spanIdOf(call.parent);
    const start = call.arrivedAt + trace.wallTimeOffset;
    const common = { traceId: trace.traceId, startTimeUnixNano: nanoseconds(start) };
    const span: OtlpSpan = {
      ...common,
      spanId,
      ...(parentSpanId !== undefined && { parentSpanId }),
      name: `${call.service}/${call.method}`,
      kind: SPAN_KIND_SERVER,
      endTimeUnixNano: nanoseconds(call.endedAt + trace.wallTimeOffset),
      attributes: attributesOf(call),
      status:
        details?.code === undefined
          ? {}
          : { code: STATUS_CODE_ERROR, message: details.error ?? details.code },
    };
    if (details?.waitMs === undefined) return [{ call, span }];
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
    return [
      { call, span },
      { call, span: wait },
    ];
  });
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
export function groupByResource(
  spans: readonly { readonly call: CallEnd; readonly span: OtlpSpan }[],
): ResourceSpans[] {
  const groups = new Map<string, ResourceSpans>();
  for (const { call, span } of spans) {
    const { environment, service, version, instance = "" } = call;
    const key = [environment, service, version, instance].join("\n");
    let group = groups.get(key);
    if (group === undefined) {
      const attributes = [
        text("service.name", service),
        text("service.namespace", environment),
        ...(instance === ""
          ? []
          : [text("service.version", String(version)), text("service.instance.id", instance)]),
      ];
      group = { resource: { attributes }, scopeSpans: [{ scope: SCOPE, spans: [] }] };
      groups.set(key, group);
    }
    group.scopeSpans[0].spans.push(span);
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
