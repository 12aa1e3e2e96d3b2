import {
  type EventFilter,
  type HostEvent,
  isJsonObject,
  isLogLevel,
  LeverError,
  type LogFilter,
} from "@leveros/protocol";
import type { EventQuery } from "../logs/event-log.ts";
import { levelsFrom } from "../logs/log-record.ts";
import { type Argument, invalidArgument } from "./arguments.ts";

const TEXT_LENGTH_MAX = 1_000;
/** The names that a service may have (lever.json): each is the name of a folder. */
const SERVICE = /^[A-Za-z0-9._~-]{3,255}$/;

/** Which records of the logs are wanted; absent = the last 100 of the environment. */
export const logFilter: Argument<LogFilter> = filterOf(
  "service",
  "instance",
  "version",
  "call",
  "level",
  "grep",
  "since",
  "until",
  "max",
  "before",
);

/** Which events are wanted. */
export const eventFilter: Argument<EventFilter> = filterOf(
  "instance",
  "level",
  "grep",
  "since",
  "until",
  "max",
);

/** Past events in one reply. */
export const EVENTS_MAX = 1_000;

/** `isOf` = the events that may be seen. */
export function eventQuery(
  { instance, level = "debug", grep, since, until, max = EVENTS_MAX }: EventFilter,
  isOf: (event: HostEvent) => boolean,
): EventQuery {
  const levels = levelsFrom(level);
  return {
    isWanted: (event) =>
      isOf(event) &&
      levels.has(event.level) &&
      (instance === undefined || event["instance"] === instance) &&
      (grep === undefined || JSON.stringify(event).includes(grep)),
    max: Math.min(max, EVENTS_MAX),
    since: since === undefined ? undefined : Date.parse(since),
    before: until === undefined ? undefined : Date.parse(until),
  };
}

function filterOf(...names: readonly (keyof LogFilter)[]): Argument<LogFilter> {
  return {
    name: `{${names.map((name) => `${name}?`).join(", ")}}?`,
    read(value) {
      if (value === undefined || value === null) return {};
      if (!isJsonObject(value)) throw invalidArgument("filter", value, "an object");
      const fields = Object.entries(value).filter(([, field]) => field !== null);
      for (const [name, field] of fields) check(name, field, names);
      // Each field has been checked.
      return Object.fromEntries(fields) as LogFilter;
    },
  };
}

const checks: Readonly<
  Record<keyof LogFilter, readonly [isAllowed: (value: unknown) => boolean, allowed: string]>
> = {
  service: [(value) => isText(value) && SERVICE.test(value), "the name of a service"],
  instance: [isText, "the id of an instance"],
  version: [isPositive, "the number of a version"],
  call: [isText, "the number of a call"],
  level: [isLogLevel, "debug, info, warn or error"],
  grep: [isText, `a text of at most ${TEXT_LENGTH_MAX} characters`],
  since: [isTime, "a time such as 2026-01-31T14:00:00Z"],
  until: [isTime, "a time such as 2026-01-31T14:00:00Z"],
  max: [isPositive, "the number of records, at most 1000"],
  before: [(value) => typeof value === "number", "`next` of the page before"],
};

function check(name: string, value: unknown, names: readonly (keyof LogFilter)[]): void {
  const known = names.find((one) => one === name);
  if (known === undefined) {
    throw new LeverError(
      "malformed_request",
      `Cannot read the filter: it has no field ${JSON.stringify(name.slice(0, 100))}. There are ${names.join(", ")}.`,
    );
  }
  const [isAllowed, allowed] = checks[known];
  if (!isAllowed(value)) throw invalidArgument(name, value, allowed);
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= TEXT_LENGTH_MAX;
}

function isPositive(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) > 0;
}

function isTime(value: unknown): boolean {
  return isText(value) && !Number.isNaN(Date.parse(value));
}
