import { pino } from "pino";
import { type Clock, isoTime } from "../clock.ts";
import type { EventLog } from "./event-log.ts";
import type { Part } from "./parts.ts";

/** Logs an event and its fields. Values go into fields, never into the event's name. */
export type Log = (
  level: "debug" | "info" | "warn" | "error",
  part: Part,
  event: string,
  fields?: object,
) => void;

export interface LogOptions {
  readonly level: "info" | "debug";
  readonly clock: Clock;
  /** The name of the host among several; undefined = it is the only one. */
  readonly hostName?: string | undefined;
  /** Receives one line of JSON for each event. */
  readonly to: { write(line: string): void };
}

/** Logs to `options.to`, and to the event log, except debug details and the output of services. */
export function createLog(options: LogOptions, events: Pick<EventLog, "add">): Log {
  const { hostName: host } = options;
  const base = host === undefined ? null : { host };
  const logger = pino({ level: options.level, base }, options.to);
  return (level, part, event, fields) => {
    logger[level]({ part, ...fields }, event);
    if (level === "debug" || event === "output") return;
    events.add({ at: isoTime(options.clock.wallTime()), level, part, event, ...base, ...fields });
  };
}
