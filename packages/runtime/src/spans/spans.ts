/**
 * Records the spans that a service makes by OpenTelemetry's API. A program of its own (scripts/bundle.ts), which an instance
 * loads when its service asks for that API.
 */

import { formatTraceparent, parseTraceparent, type TraceContext } from "@leveros/protocol";
import type {
  Context,
  Span,
  TextMapGetter,
  TextMapPropagator,
  TextMapSetter,
  TracerProvider,
} from "@opentelemetry/api";
import {
  CallSpans,
  type SpanBounds,
  type SpannedCall,
  type SpansMessage,
  UnsampledCalls,
} from "./call-spans.ts";
import { RecordedSpan, SilentSpan } from "./recorded-span.ts";
import { Contexts, spanIn, withSpan } from "./span-context.ts";
import { Tracers } from "./span-tracer.ts";
import { StandIn } from "./stand-in.ts";

const TRACEPARENT = "traceparent";

export interface SpansOptions {
  readonly bounds: SpanBounds;
  /** The call that the current code runs for. */
  readonly currentCall: () => SpannedCall | undefined;
  readonly send: (message: SpansMessage) => void;
}

export class Spans {
  readonly #options: SpansOptions;
  readonly #unsampled = new UnsampledCalls();
  readonly #contexts: Contexts = new Contexts(() => this.#spansOfCall()?.own);
  readonly #standIn: StandIn;

  constructor(options: SpansOptions) {
    this.#options = options;
    const trace = new Tracers({
      contexts: this.#contexts,
      spansOfCall: () => this.#spansOfCall(),
      registered: () => this.#standIn.registered("trace") as TracerProvider | undefined,
    });
    this.#standIn = new StandIn({ trace, context: this.#contexts, propagation: propagator });
  }

  /** The service loads the API from this URL. */
  onResolved(url: string): void {
    this.#standIn.onResolved(url);
  }

  /** The span of a call that the current code runs in; undefined = none but its own. */
  activeSpan(call: SpannedCall): TraceContext | undefined {
    if (call.spans === undefined || this.#standIn.hasLeft) return undefined;
    const { entered } = this.#contexts;
    const span = entered && spanIn(entered);
    const isOther =
      span instanceof RecordedSpan && span.owner === call.spans && span !== call.spans.own;
    return isOther ? span.spanContext() : undefined;
  }

  #spansOfCall(): CallSpans | undefined {
    const call = this.#options.currentCall();
    if (call === undefined || call.number === 0) return undefined;
    if (call.spans === undefined && !call.isOver) {
      call.spans = new CallSpans(call, {
        ...this.#options.bounds,
        unsampled: this.#unsampled,
        send: this.#options.send,
      });
    }
    return call.spans;
  }
}

export function openSpans(options: SpansOptions): Spans {
  return new Spans(options);
}

/** Writes and reads the header `traceparent` (W3C Trace Context). */
const propagator: TextMapPropagator = {
  inject(context: Context, carrier: unknown, setter: TextMapSetter): void {
    const { traceId, spanId, traceFlags = 0 } = spanIn(context)?.spanContext() ?? {};
    if (traceId === undefined || spanId === undefined || /^0+$/.test(traceId)) return;
    setter.set(
      carrier,
      TRACEPARENT,
      formatTraceparent({ traceId, spanId }, (traceFlags & 1) === 1),
    );
  },
  extract(context: Context, carrier: unknown, getter: TextMapGetter): Context {
    const [header] = [getter.get(carrier, TRACEPARENT)].flat();
    const found = parseTraceparent(header);
    if (found === undefined) return context;
    const { traceId, spanId, isSampled } = found;
    const span: Span = new SilentSpan({
      traceId,
      spanId,
      traceFlags: isSampled ? 1 : 0,
      isRemote: true,
    });
    return withSpan(context, span);
  },
  fields: () => [TRACEPARENT],
};
