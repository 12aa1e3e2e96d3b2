import { processMs, type RuntimeMessage, type TraceContext } from "@leveros/protocol";
import type { SpanContext } from "@opentelemetry/api";
import { RecordedSpan, type SpanOwner, type SpanStart } from "./recorded-span.ts";

/** A call in whose course a service records spans. */
export interface SpannedCall {
  readonly number: number;
  /** Its trace is kept in any case. */
  readonly isSampled: boolean;
  readonly isOver: boolean;
  /** Its own span. */
  readonly spanContext: TraceContext;
  /** undefined = it has none yet. */
  spans: CallSpans | undefined;
}

/** The bounds of the spans of each call. */
export interface SpanBounds {
  readonly spansMax: number;
  readonly spanBytesMax: number;
}

export type SpansMessage = Extract<RuntimeMessage, { type: "spans" }>;

/** The host keeps no trace of a call that succeeded sooner, unless it is sampled or another call in it has failed. */
const SLOW_MS_MIN = 5;
/** Calls, each second, whose spans are sent although they are not sampled. */
const UNSAMPLED_PER_SECOND_MAX = 50;

/** Decides which calls that are not sampled have their spans sent. */
export class UnsampledCalls {
  #second = 0;
  #taken = 0;

  take(nowMs: number): boolean {
    const second = Math.floor(nowMs / 1_000);
    if (second !== this.#second) this.#taken = 0;
    this.#second = second;
    this.#taken++;
    return this.#taken <= UNSAMPLED_PER_SECOND_MAX;
  }
}

export interface CallSpansOptions extends SpanBounds {
  readonly unsampled: UnsampledCalls;
  readonly send: (message: SpansMessage) => void;
}

/** The spans of one call. They are sent when the call ends, and those that end later after that. */
export class CallSpans implements SpanOwner {
  readonly call: SpannedCall;
  readonly own: RecordedSpan;
  readonly #options: CallSpansOptions;
  readonly #startedAt: number = processMs();
  #ended: RecordedSpan[] = [];
  #started = 0;
  /** With the brackets around them. */
  #bytes = 1;
  #dropped = 0;
  /** undefined = the call runs. */
  #isWanted: boolean | undefined;
  #isScheduled = false;

  constructor(call: SpannedCall, options: CallSpansOptions) {
    this.call = call;
    this.#options = options;
    const context = this.#contextOf(call.spanContext.spanId);
    this.own = new RecordedSpan(this, {
      name: "",
      context,
      parent: undefined,
      scope: "",
      options: {},
    });
  }

  start(start: Omit<SpanStart, "context">): RecordedSpan | undefined {
    if (this.#isWanted === false) return undefined;
    this.#started++;
    if (this.#started > this.#options.spansMax) {
      this.#dropped++;
      return undefined;
    }
    return new RecordedSpan(this, { ...start, context: this.#contextOf(randomId()) });
  }

  onEnded(span: RecordedSpan): void {
    if (this.#isWanted === false) return;
    this.#ended.push(span);
    if (this.#isWanted === undefined || this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#send();
    });
  }

  /** The call is over. */
  end(hasFailed: boolean): void {
    if (this.#isWanted !== undefined) return;
    const now = processMs();
    const mayBeKept = hasFailed || now - this.#startedAt >= SLOW_MS_MIN;
    this.#isWanted = this.call.isSampled || (mayBeKept && this.#options.unsampled.take(now));
    if (this.#isWanted) {
      if (this.own.isUsed) this.#ended.unshift(this.own);
      this.#send();
    }
    this.#ended = [];
  }

  #send(): void {
    const parts: string[] = [];
    for (const span of this.#ended) {
      const text = JSON.stringify(span.sent);
      const bytes = Buffer.byteLength(text) + 1;
      if (this.#bytes + bytes > this.#options.spanBytesMax) this.#dropped++;
      else {
        this.#bytes += bytes;
        parts.push(text);
      }
    }
    this.#ended = [];
    if (parts.length + this.#dropped === 0) return;
    this.#options.send({
      type: "spans",
      call: this.call.number,
      spans: `[${parts.join()}]`,
      count: parts.length,
      dropped: this.#dropped,
    });
    this.#dropped = 0;
  }

  #contextOf(spanId: string): SpanContext {
    const { traceId } = this.call.spanContext;
    return { traceId, spanId, traceFlags: this.call.isSampled ? 1 : 0 };
  }
}

/** 16 hexadecimal digits, not all of them zero. */
function randomId(): string {
  const half = (): string =>
    (1 + Math.floor(Math.random() * 0xffff_ffff)).toString(16).padStart(8, "0");
  return half() + half();
}
