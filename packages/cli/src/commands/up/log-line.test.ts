import { expect, it } from "vitest";
import { formatLogLine } from "./log-line.ts";

const time = new Date(2026, 2, 1, 9, 5, 7, 42).getTime();

function format(event: object, isColored = false): string {
  return formatLogLine(JSON.stringify({ level: 30, time, part: "fleet", msg: "ready", ...event }), {
    isColored,
  });
}

it("an event is a line: time, level, part, event, fields", () => {
  expect(format({ service: "hello", version: 2, reason: "it ended", pids: [1] })).toBe(
    '09:05:07.042 info  fleet    ready  service=hello  version=2  reason="it ended"  pids=[1]',
  );
  expect(format({ level: 50, part: "host", msg: "down" })).toBe("09:05:07.042 error host     down");
});

it("the output of an instance is at the end, unchanged", () => {
  expect(format({ part: "fleet", msg: "output", service: "hello", line: 'say "hi"\tthere' })).toBe(
    '09:05:07.042 info  fleet    output  service=hello  | say "hi"\tthere',
  );
});

it("further lines of a record follow below its first one", () => {
  expect(format({ msg: "output", line: "Error: no\n    at a.js" })).toBe(
    "09:05:07.042 info  fleet    output  | Error: no\n    |     at a.js",
  );
});

it("control characters of a service do not reach the terminal", () => {
  const text = format({ line: "\u001b[2Jgone\u009b1m\r", reason: "a\u001bb\u007f" });
  expect(text).not.toMatch(/\p{Cc}/u);
  expect(text).toContain("| \\u001b[2Jgone\\u009b1m\\u000d");
});

it("a line has colors only if they are requested", () => {
  expect(format({}, true)).toContain("\u001b[32minfo ");
  expect(format({}, false)).not.toContain("\u001b");
});

it.each(["plain text", "{broken", "null", "{}"])(
  "a line that is not an event stays unchanged: %j",
  (line) => {
    expect(formatLogLine(line, { isColored: false })).toBe(line);
  },
);
