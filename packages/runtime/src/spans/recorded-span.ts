import type { SentSpan, SpanEvent, SpanLink, SpanValue } from "@leveros/protocol";
import type {
  Attributes,
  Exception,
  Link,
  Span,
  SpanContext,
  SpanOptions,
  SpanStatus,
  TimeInput,
} from "@opentelemetry/api";
import {
  addAttribute,
  exceptionAttributes,
  plainAttributes,
  shortText,
  timeOf,
} from "./span-values.ts";

const EVENTS_MAX = 64;
const LINKS_MAX = 16;
const NAME_MAX = 200;
const STATUSES = [undefined, "ok", "error"] as const;

export interface SpanStart {
  readonly name: string;
  readonly context: SpanContext;
  /** undefined = it is the span of the call. */
  readonly parent: string | undefined;
  readonly scope: string;
  readonly options: SpanOptions;
}

/** The spans of a call. */
export interface SpanOwner {
  /** The span of the call, which the host has. What the service adds to it is sent. */
  readonly own: RecordedSpan;
  /** undefined = the call has too many, or its spans are not wanted. */
  start(start: Omit<SpanStart, "context">): RecordedSpan | undefined;
  onEnded(span: RecordedSpan): void;
}

/** A span of a service. What it records is bounded. */
export class RecordedSpan implements Span {
  readonly owner: SpanOwner;
  readonly #start: SpanStart;
  readonly #startedAt: number;
  #endedAt: number | undefined;
  #name: string;
  readonly #attributes: Record<string, SpanValue> = {};
  readonly #events: SpanEvent[] = [];
  readonly #links: SpanLink[] = [];
  #status: SpanStatus = { code: 0 };

  constructor(owner: SpanOwner, start: SpanStart) {
    const { name, options } = start;
    this.owner = owner;
    this.#start = start;
    this.#startedAt = timeOf(options.startTime);
    this.#name = shortText(String(name), NAME_MAX);
    this.setAttributes(options.attributes ?? {});
    this.addLinks(options.links ?? []);
  }

  spanContext(): SpanContext {
    return this.#start.context;
  }

  isRecording(): boolean {
    return this.#endedAt === undefined;
  }

  setAttribute(key: string, value: unknown): this {
    if (this.isRecording()) addAttribute(this.#attributes, key, value);
    return this;
  }

  setAttributes(attributes: Attributes): this {
    for (const [key, value] of Object.entries(attributes)) this.setAttribute(key, value);
    return this;
  }

  addEvent(name: string, attributesOrTime?: Attributes | TimeInput, time?: TimeInput): this {
    const isTime =
      typeof attributesOrTime === "number" ||
      attributesOrTime instanceof Date ||
      Array.isArray(attributesOrTime);
    const at = time ?? (isTime ? (attributesOrTime as TimeInput) : undefined);
    const attributes = isTime ? undefined : plainAttributes(attributesOrTime as Attributes);
    return this.#addEvent(name, attributes, at);
  }

  addLink(link: Link): this {
    return this.addLinks([link]);
  }

  addLinks(links: readonly Link[]): this {
    for (const { context, attributes } of links) {
      if (!this.isRecording() || this.#links.length >= LINKS_MAX) break;
      const plain = plainAttributes(attributes);
      const { traceId, spanId } = context;
      this.#links.push({ traceId, spanId, ...(plain && { attributes: plain }) });
    }
    return this;
  }

  setStatus({ code, message }: SpanStatus): this {
    if (this.isRecording()) this.#status = { code, ...(message !== undefined && { message }) };
    return this;
  }

  updateName(name: string): this {
    if (this.isRecording()) this.#name = shortText(String(name), NAME_MAX);
    return this;
  }

  recordException(exception: Exception, time?: TimeInput): void {
    this.#addEvent("exception", exceptionAttributes(exception), time);
  }

  /** The span of a call ends with the call. */
  end(time?: TimeInput): void {
    if (!this.isRecording() || this.#start.parent === undefined) return;
    this.#endedAt = Math.max(this.#startedAt, timeOf(time));
    this.owner.onEnded(this);
  }

  /** There is something that the span of a call would not have without it. */
  get isUsed(): boolean {
    return (
      this.#events.length + this.#links.length > 0 ||
      this.#status.code !== 0 ||
      Object.keys(this.#attributes).length > 0
    );
  }

  get sent(): SentSpan {
    const { context, parent, scope, options } = this.#start;
    const { code, message } = this.#status;
    const status = STATUSES[code];
    return {
      id: context.spanId,
      ...(parent !== undefined && { parent }),
      name: this.#name,
      ...(scope !== "" && { scope }),
      ...(options.kind !== undefined && options.kind !== 0 && { kind: options.kind }),
      at: this.#startedAt,
      ms: rounded((this.#endedAt ?? this.#startedAt) - this.#startedAt),
      ...(Object.keys(this.#attributes).length > 0 && { attributes: this.#attributes }),
      ...(this.#events.length > 0 && { events: this.#events }),
      ...(this.#links.length > 0 && { links: this.#links }),
      ...(status !== undefined && { status }),
      ...(status !== undefined && message !== undefined && { message: shortText(String(message)) }),
    };
  }

  #addEvent(name: string, attributes: SpanEvent["attributes"], time: TimeInput | undefined): this {
    if (!this.isRecording() || this.#events.length >= EVENTS_MAX) return this;
    this.#events.push({
      name: shortText(String(name), NAME_MAX),
      atMs: rounded(timeOf(time) - this.#startedAt),
      ...(attributes && { attributes }),
    });
    return this;
  }
}

/** Microseconds are the most that a trace shows. */
const rounded = (ms: number): number => Math.round(ms * 1e3) / 1e3;

/** A span that records nothing, and passes on the span that it belongs to. */
export class SilentSpan implements Span {
  readonly #context: SpanContext;

  constructor(context: SpanContext) {
    this.#context = context;
  }

  spanContext(): SpanContext {
    return this.#context;
  }

  isRecording(): boolean {
    return false;
  }

  setAttribute(): this {
    return this;
  }

  setAttributes(): this {
    return this;
  }

  addEvent(): this {
    return this;
  }

  addLink(): this {
    return this;
  }

  addLinks(): this {
    return this;
  }

  setStatus(): this {
    return this;
  }

  updateName(): this {
    return this;
  }

  recordException(): void {}

  end(): void {}
}
