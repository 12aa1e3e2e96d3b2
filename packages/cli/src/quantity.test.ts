import { expect, it } from "vitest";
import { formatAge, formatBytes, formatCount, formatDuration, parseLifetime } from "./quantity.ts";

it.each([
  [0, "0 B"],
  [999, "999 B"],
  [1_000, "1.0 kB"],
  [9_949, "9.9 kB"],
  [9_960, "10 kB"],
  [999_499, "999 kB"],
  [999_600, "1.0 MB"],
  [31_457_280, "31 MB"],
  [4_200_000_000, "4.2 GB"],
  [5_000_000_000_000, "5000 GB"],
])("%d bytes are shown as %s", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

it.each([
  [0, "0 ms"],
  [999, "999 ms"],
  [1_234, "1.2 s"],
])("a duration of %d ms is shown as %s", (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

it.each([
  [-5_000, "0s"],
  [59_999, "59s"],
  [60_000, "1m"],
  [3_600_000, "1h"],
  [172_800_000, "2d"],
])("an age of %d ms is shown as %s", (ms, text) => {
  expect(formatAge(1_000_000, 1_000_000 + ms)).toBe(text);
});

it("a count of one has the singular", () => {
  expect([formatCount(1, "entry", "entries"), formatCount(0, "entry", "entries")]).toEqual([
    "1 entry",
    "0 entries",
  ]);
});

it.each([
  ["30m", 1_800_000],
  ["12h", 43_200_000],
  ["90d", 7_776_000_000],
  ["0d", undefined],
  ["10s", undefined],
  ["90", undefined],
  ["", undefined],
])("the lifetime %j is %s ms", (text, ms) => {
  expect(parseLifetime(text)).toBe(ms);
});
