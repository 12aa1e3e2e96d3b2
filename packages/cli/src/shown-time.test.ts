import { expect, it } from "vitest";
import { shownTime } from "./shown-time.ts";

it("a moment is shown in UTC, without its milliseconds", () => {
  expect(shownTime("2026-01-31T12:00:00.123Z", { isLocal: false })).toBe("2026-01-31 12:00:00");
});

it("a moment on a terminal is shown in local time", () => {
  const at = new Date(2026, 0, 31, 12, 0, 7).toISOString();
  expect(shownTime(at, { isLocal: true })).toBe("2026-01-31 12:00:07");
});
