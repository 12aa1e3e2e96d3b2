import { AsyncLocalStorage } from "node:async_hooks";
import type { Context, ContextManager, Span } from "@opentelemetry/api";

/** The key under which the API stores a span in a context. */
const SPAN_KEY = Symbol.for("OpenTelemetry Context Key SPAN");

/** A context as the API's own, which cannot be reached from here. */
class ValueContext implements Context {
  readonly #values: ReadonlyMap<symbol, unknown>;

  constructor(values: ReadonlyMap<symbol, unknown>) {
    this.#values = values;
  }

  getValue(key: symbol): unknown {
    return this.#values.get(key);
  }

  setValue(key: symbol, value: unknown): Context {
    return new ValueContext(new Map(this.#values).set(key, value));
  }

  deleteValue(key: symbol): Context {
    const values = new Map(this.#values);
    values.delete(key);
    return new ValueContext(values);
  }
}

const ROOT: Context = new ValueContext(new Map());

export function spanIn(context: Context): Span | undefined {
  const span = context.getValue(SPAN_KEY);
  return typeof span === "object" && span !== null && "spanContext" in span
    ? (span as Span)
    : undefined;
}

export const withSpan = (context: Context, span: Span): Context => context.setValue(SPAN_KEY, span);

/** Keeps contexts over awaits and callbacks. In a call, and outside of any other span, the span of the call is the active one. */
export class Contexts implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>();
  readonly #spanOfCall: () => Span | undefined;

  constructor(spanOfCall: () => Span | undefined) {
    this.#spanOfCall = spanOfCall;
  }

  /** The context that the current code runs in; undefined = no other than that of its call. */
  get entered(): Context | undefined {
    return this.#storage.getStore();
  }

  active(): Context {
    const { entered } = this;
    if (entered !== undefined) return entered;
    const span = this.#spanOfCall();
    return span === undefined ? ROOT : withSpan(ROOT, span);
  }

  run<Result>(context: Context, run: () => Result): Result {
    return this.#storage.run(context, run);
  }

  with<Args extends unknown[], Run extends (...args: Args) => ReturnType<Run>>(
    context: Context,
    run: Run,
    self?: ThisParameterType<Run>,
    ...args: Args
  ): ReturnType<Run> {
    return this.run(context, () => Reflect.apply(run, self, args));
  }

  /** Emitters are returned as they are. */
  bind<Target>(context: Context, target: Target): Target {
    if (typeof target !== "function") return target;
    const storage = this.#storage;
    const bound = function (this: unknown, ...args: unknown[]): unknown {
      return storage.run(context, () => Reflect.apply(target, this, args));
    };
    Object.defineProperty(bound, "length", { configurable: true, value: target.length });
    return bound as Target;
  }

  attach(context: Context): { dispose(): void } {
    const { entered } = this;
    this.#storage.enterWith(context);
    // Without a context of its own, the code is back in that of its call.
    return { dispose: () => this.#storage.enterWith(entered ?? this.active()) };
  }

  enable(): this {
    return this;
  }

  disable(): this {
    return this;
  }
}
