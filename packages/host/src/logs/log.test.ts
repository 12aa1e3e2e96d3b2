import type { HostEvent } from "@leveros/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../../../tests/harness/virtual-clock.ts";
import { EventLog } from "./event-log.ts";
import { createLog, type Log } from "./log.ts";

const clock = new VirtualClock();
let lines: string[];
let events: EventLog;

beforeEach(() => {
  lines = [];
  events = new EventLog();
});

const logAt = (level: "info" | "debug"): Log =>
  createLog({ level, clock, to: { write: (line) => void lines.push(line) } }, events);

describe("the log", () => {
  it("writes a line of JSON for each event, and adds it to the event log with its time", () => {
    logAt("info")("warn", "fleet", "instance failed", { service: "svc" });
    const [line = ""] = lines;
    expect(JSON.parse(line)).toMatchObject({
      part: "fleet",
      msg: "instance failed",
      service: "svc",
    });
    const at = "2026-01-01T00:00:00.000Z";
    const event = { at, level: "warn", part: "fleet", event: "instance failed", service: "svc" };
    expect(events.last()).toEqual([event]);
  });

  it("keeps details and the output of services out of the event log", () => {
    const log = logAt("debug");
    log("debug", "fleet", "instance starting");
    log("info", "fleet", "output", { line: "hello" });
    expect(lines).toHaveLength(2);
    expect(events.last()).toEqual([]);
  });

  it("writes details only when its level is debug", () => {
    logAt("info")("debug", "fleet", "instance starting");
    expect(lines).toEqual([]);
  });
});

describe("the event log", () => {
  const eventOf = (number: number): HostEvent => ({
    at: "2026-01-01T00:00:00.000Z",
    level: "info",
    part: "host",
    event: "counted",
    number,
  });

  it("has the last 5,000 events, oldest first", () => {
    for (let number = 1; number <= 12_345; number++) events.add(eventOf(number));
    const last = events.last();
    expect(last).toHaveLength(5_000);
    expect([last[0]?.["number"], last.at(-1)?.["number"]]).toEqual([7_346, 12_345]);
  });

  it("calls each watcher until it is stopped", () => {
    const seen: unknown[] = [];
    const stop = events.watch((event) => seen.push(event["number"]));
    events.add(eventOf(1));
    stop();
    events.add(eventOf(2));
    expect(seen).toEqual([1]);
  });
});
