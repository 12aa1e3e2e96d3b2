/** Events and logs in the replies of the admin service, as JSON. */
import type { HostMissing } from "./cluster-messages.ts";
import type { LogLevel } from "./output-frame.ts";

/** An event of the host with its fields. docs/reference/events.md lists them. */
export interface HostEvent {
  /** ISO 8601. */
  readonly at: string;
  readonly level: "info" | "warn" | "error";
  readonly part: string;
  readonly event: string;
  readonly environment?: string;
  readonly service?: string;
  readonly [field: string]: unknown;
}

/** So many records of a log were dropped, of so many bytes. */
export interface Dropped {
  readonly records: number;
  readonly bytes: number;
}

/** One write of an instance, or one line that it has printed; or a record that Lever has added. */
export interface LogRecord {
  /** ISO 8601: when the host received it. */
  readonly at: string;
  readonly level: LogLevel;
  readonly environment: string;
  readonly service: string;
  readonly version: number;
  readonly instance: string;
  /** In a cluster: the name of the host of the instance. */
  readonly host?: string;
  /** The call in whose course it was printed; absent = none, or it is not known. */
  readonly call?: string;
  /** Absent = Lever has written it. */
  readonly stream?: "stdout" | "stderr";
  /** It has several lines if they were printed at once. */
  readonly text: string;
  /** The record stands in the place of so many others. */
  readonly dropped?: Dropped;
}

/** The records that `listLogs` and `watchLogsChan` look for. All fields that are present must match. */
export interface LogFilter {
  readonly service?: string;
  readonly instance?: string;
  readonly version?: number;
  readonly call?: string;
  /** Records of this level or a higher one. */
  readonly level?: LogLevel;
  /** A part of the text. */
  readonly grep?: string;
  /** ISO 8601. */
  readonly since?: string;
  /** ISO 8601: the first moment that does not belong to them. */
  readonly until?: string;
  /** At most 1,000. Default: 100. */
  readonly max?: number;
  /** Only records that are older than those of a page: its `next`. */
  readonly before?: number;
}

/** The events that `listEvents` and `watchEventsChan` look for. `grep` is a part of an event as JSON. Default of `max`: 1,000. */
export type EventFilter = Pick<
  LogFilter,
  "instance" | "level" | "grep" | "since" | "until" | "max"
>;

/** The reply of `listLogs`. */
export interface LogPage {
  /** The newest ones, oldest first. */
  readonly records: readonly LogRecord[];
  /** There may be older ones: `before` of the next page. */
  readonly next?: number;
}

/**
 * A message of `watchLogsChan`: a record, or how many were dropped since the caller did not read them in time, or in a cluster a
 * host of which nothing more comes.
 */
export type LogMessage = LogRecord | { readonly dropped: number } | HostMissing;
