/** A value of an attribute of a span. */
export type SpanValue = string | number | boolean | readonly (string | number | boolean)[];
export type SpanAttributes = Readonly<Record<string, SpanValue>>;

/** Something that has happened within a span. */
export interface SpanEvent {
  readonly name: string;
  /** Milliseconds from the start of the span. */
  readonly atMs: number;
  readonly attributes?: SpanAttributes;
}

/** A span of another trace that has to do with one. */
export interface SpanLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes?: SpanAttributes;
}

/** A span that a service has recorded in the course of a call, by OpenTelemetry's API. */
export interface SpanRecord {
  /** 16 hexadecimal digits. */
  readonly id: string;
  /** The span in which it was started: that of the call, or another one. Absent = it is what was added to the span of the call. */
  readonly parent?: string;
  readonly name: string;
  /** Name of the tracer. */
  readonly scope?: string;
  /** As the API numbers them: 1 server, 2 client, 3 producer, 4 consumer. Absent = internal. */
  readonly kind?: number;
  /** Milliseconds from the arrival of the call to its start. */
  readonly startMs: number;
  readonly ms: number;
  readonly attributes?: SpanAttributes;
  readonly events?: readonly SpanEvent[];
  readonly links?: readonly SpanLink[];
  /** Absent = it was not set. */
  readonly status?: "ok" | "error";
  /** Explains the status. */
  readonly message?: string;
}

/** A span as an instance sends it. */
export interface SentSpan extends Omit<SpanRecord, "startMs"> {
  /** When it started, by the clock of the machine that never goes back (`processMs`). */
  readonly at: number;
}
