import { pino } from "pino";
import { type Clock, isoTime } from "../clock.ts";
import type { EventLog } from "./event-log.ts";

/** A structured log: an event and its fields, never a sentence with values pasted in. */
export type Log = (
  level: "debug" | "info" | "warn" | "error",
  part: Part,
  event: string,
  fields?: object,
) => void;

/** The parts of the architecture drawing. */
type Part = "host" | "gateway" | "fleet" | "instance" | "deployer" | "store" | "admin";

export interface LogOptions {
  readonly level: "info" | "debug";
  readonly clock: Clock;
  /** Receives one line of JSON for each event. */
  readonly to: { write(line: string): void };
}

/** Everything that is logged goes to the event log too, but for details and what services write themselves. */
export function createLog(options: LogOptions, events: EventLog): Log {
  const logger = pino({ level: options.level, base: null }, options.to);
  return (level, part, event, fields) => {
    logger[level]({ part, ...fields }, event);
    if (level === "debug" || event === "output") return;
    events.add({ at: isoTime(options.clock.wallTime()), level, part, event, ...fields });
  };
}
