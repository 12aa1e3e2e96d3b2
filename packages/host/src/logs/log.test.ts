import type { HostEvent } from "@leveros/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../../../tests/harness/virtual-clock.ts";
import { createLog, type Log } from "./log.ts";

const clock = new VirtualClock();
let lines: string[];
let events: HostEvent[];

beforeEach(() => {
  lines = [];
  events = [];
});

const logAt = (level: "info" | "debug"): Log =>
  createLog(
    { level, clock, to: { write: (line) => void lines.push(line) } },
    { add: (event) => void events.push(event) },
  );

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
    expect(events).toEqual([event]);
  });

  it("keeps details and the output of services out of the event log", () => {
    const log = logAt("debug");
    log("debug", "fleet", "instance starting");
    log("info", "fleet", "output", { line: "hello" });
    expect(lines).toHaveLength(2);
    expect(events).toEqual([]);
  });

  it("writes details only when its level is debug", () => {
    logAt("info")("debug", "fleet", "instance starting");
    expect(lines).toEqual([]);
  });
});
