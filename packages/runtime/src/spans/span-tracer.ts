import type {
  Context,
  Span,
  SpanContext,
  SpanOptions,
  Tracer,
  TracerOptions,
  TracerProvider,
} from "@opentelemetry/api";
import { RecordedSpan, SilentSpan, type SpanOwner } from "./recorded-span.ts";
import { type Contexts, spanIn, withSpan } from "./span-context.ts";

/** As the API's `INVALID_SPAN_CONTEXT`. */
const NO_CONTEXT: SpanContext = {
  traceId: "0".repeat(32),
  spanId: "0".repeat(16),
  traceFlags: 0,
};

type Names = readonly [name: string, version?: string, options?: TracerOptions];

export interface TracersOptions {
  readonly contexts: Contexts;
  /** The spans of the call that the current code runs for. */
  readonly spansOfCall: () => SpanOwner | undefined;
  /** The service's own provider, once it has registered one. */
  readonly registered: () => TracerProvider | undefined;
}

/** Gives the service tracers that record spans in its calls. */
export class Tracers implements TracerProvider {
  readonly #options: TracersOptions;

  constructor(options: TracersOptions) {
    this.#options = options;
  }

  getTracer(...names: Names): Tracer {
    return new CallTracer(names, this.#options);
  }

  /** As the API's own provider has it. */
  getDelegate(): TracerProvider {
    return this;
  }
}

class CallTracer implements Tracer {
  readonly #names: Names;
  readonly #options: TracersOptions;

  constructor(names: Names, options: TracersOptions) {
    this.#names = names;
    this.#options = options;
  }

  startSpan(name: string, options?: SpanOptions, context?: Context): Span {
    const { contexts, spansOfCall, registered } = this.#options;
    // It may have got this tracer before it registered its own provider.
    const other = registered();
    if (other !== undefined)
      return other.getTracer(...this.#names).startSpan(name, options, context);
    const active = context ?? contexts.active();
    const parent = options?.root === true ? undefined : spanIn(active);
    // A span may be started for a call by code that runs for another one, or for none.
    const spans = parent instanceof RecordedSpan ? parent.owner : spansOfCall();
    if (spans === undefined) return new SilentSpan(parent?.spanContext() ?? NO_CONTEXT);
    const { own } = spans;
    const inCall = parent?.spanContext().traceId === own.spanContext().traceId ? parent : undefined;
    const started = spans.start({
      name,
      parent: (inCall ?? own).spanContext().spanId,
      scope: String(this.#names[0] ?? ""),
      options:
        inCall === undefined && parent !== undefined ? withLink(options, parent) : (options ?? {}),
    });
    return started ?? new SilentSpan((inCall ?? own).spanContext());
  }

  startActiveSpan<Run extends (span: Span) => unknown>(
    name: string,
    ...rest: unknown[]
  ): ReturnType<Run> {
    const run = rest.at(-1) as Run;
    const [options, given] = rest.slice(0, -1) as [SpanOptions?, Context?];
    const { contexts, registered } = this.#options;
    const other = registered()?.getTracer(...this.#names);
    if (other !== undefined) {
      return Reflect.apply(other.startActiveSpan, other, [name, ...rest]) as ReturnType<Run>;
    }
    const context = given ?? contexts.active();
    const span = this.startSpan(name, options, context);
    return contexts.run(withSpan(context, span), () => run(span)) as ReturnType<Run>;
  }
}

/** A span of another trace, as of the message that a method processes, is no parent within the call, and becomes a link. */
function withLink(options: SpanOptions | undefined, to: Span): SpanOptions {
  return { ...options, links: [...(options?.links ?? []), { context: to.spanContext() }] };
}
