import { describe, expect, it } from "vitest";
import { parseMoment } from "./moment.ts";

const now = new Date(2026, 0, 31, 12, 30, 15, 500);

describe("a moment", () => {
  it.each([
    ["10m", new Date(now.getTime() - 600_000)],
    ["1.5h", new Date(now.getTime() - 5_400_000)],
    ["30s", new Date(now.getTime() - 30_000)],
    ["2d", new Date(now.getTime() - 172_800_000)],
    ["12:00", new Date(2026, 0, 31, 12, 0)],
    ["9:05:07", new Date(2026, 0, 31, 9, 5, 7)],
    ["14:00", new Date(2026, 0, 30, 14, 0)],
    ["2026-01-30", new Date(2026, 0, 30)],
    ["2026-01-30T14:00", new Date(2026, 0, 30, 14, 0)],
    ["2026-01-30 14:00:01.5", new Date(2026, 0, 30, 14, 0, 1, 500)],
    ["2026-01-30T14:00:00Z", new Date("2026-01-30T14:00:00Z")],
    ["2026-01-30T14:00:00+02:00", new Date("2026-01-30T12:00:00Z")],
  ])("%s is read", (text, moment) => {
    expect(parseMoment(text, now)).toEqual(moment);
  });

  it.each([
    "",
    "10",
    "0m",
    "24:00",
    "12:60",
    "noon",
    "2026-13-01",
    "2026-01-30T25:00",
    "10 m",
    "-1h",
  ])("%j is none", (text) => {
    expect(parseMoment(text, now)).toBeUndefined();
  });
});
