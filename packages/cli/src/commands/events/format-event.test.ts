import type { HostEvent } from "@leveros/protocol";
import { expect, it } from "vitest";
import { formatEvent } from "./format-event.ts";

const event: HostEvent = {
  at: "2026-01-31T12:00:00.123Z",
  level: "warn",
  part: "fleet",
  event: "instance failed",
  environment: "dev.lever",
  service: "svc",
};

const format = (fields: object): string => formatEvent({ ...event, ...fields }, { isLocal: false });

it("an event is a line: time, level, event, fields", () => {
  expect(format({ version: 2, ms: 12.34, reason: "exited\nwith 7" })).toBe(
    '2026-01-31 12:00:00  warn   instance failed  service=svc  version=2  ms=12.3  reason="exited\\nwith 7"',
  );
});

it("an event among those of all environments has the name of its own", () => {
  expect(formatEvent(event, { isLocal: false, ofAll: true })).toMatch(
    / {2}instance failed {2}environment=dev\.lever {2}service=svc$/,
  );
});

it("a field without a value is not shown", () => {
  expect(format({ reason: undefined })).toMatch(/ service=svc$/);
});

it("control characters of a service do not reach the terminal", () => {
  expect(format({ reason: "\u009b2J\u001b[0m" })).not.toMatch(/\p{Cc}/u);
});
