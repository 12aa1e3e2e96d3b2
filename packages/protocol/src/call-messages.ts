import type { ErrorCode } from "./errors.ts";
import type { StartTimes } from "./instance-messages.ts";
import type { SpanRecord } from "./span-messages.ts";

/** A call in the replies of `listCalls` and `getTrace`. */
export interface CallRecord {
  readonly id: string;
  /** The call in whose course it was made. */
  readonly parent?: string;
  readonly service: string;
  readonly method: string;
  /** Only of calls that are kept: they failed, waited, or are sampled. */
  readonly resource?: string;
  /** The service that called; absent = the caller is outside. */
  readonly caller?: string;
  /** Absent = no instance had it. */
  readonly version?: number;
  readonly instance?: string;
  /** In a cluster: the name of the host at which it came in. */
  readonly host?: string;
  /** When it arrived. ISO 8601. */
  readonly at: string;
  readonly ms: number;
  readonly outcome: "running" | "ok" | ErrorCode;
  /** Message of the error, or the value that the method failed with as JSON; cut to 500 characters. */
  readonly error?: string;
  /** How long it waited for an instance. */
  readonly waitMs?: number;
  /** The start that it waited for. */
  readonly start?: StartTimes;
  /** Bytes of its arguments. */
  readonly bodyBytes: number;
  /** The span of the parent's service in which it was made. */
  readonly parentSpan?: string;
  /** Its own span: 16 hexadecimal digits. Only in traces. */
  readonly span?: string;
  /** Spans that the service has recorded in its course. Only in traces. */
  readonly spans?: readonly SpanRecord[];
}

/** The calls that `listCalls` and `watchCallsChan` show. */
export interface CallFilter {
  readonly service?: string;
  /** Only calls that failed. */
  readonly errors?: boolean;
  /** Only calls that took longer. */
  readonly slowerThanMs?: number;
  /** Only calls that run, instead of those that have ended. */
  readonly running?: boolean;
  /** The last so many, at most 1,000. Default: 100. */
  readonly limit?: number;
}

/** The reply of `getTrace`: a call, and those in the course of which it was made or that were made in its course. */
export interface CallTrace {
  /** The first of them. */
  readonly id: string;
  readonly traceId: string;
  /** In the order in which they arrived. Some may be missing: the host forgets calls, and those of other environments are not shown. */
  readonly calls: readonly CallRecord[];
}
