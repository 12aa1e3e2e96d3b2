import { expect, it } from "vitest";
import { age, bytes, count, duration, rate, share } from "./format.ts";

it.each<[shown: string, expected: string]>([
  [count(12_345), "12,345"],
  [count(1_234_567), "1.2M"],
  [rate(0), "0/s"],
  [rate(0.04), "<0.1/s"],
  [rate(32.51), "32.5/s"],
  [rate(4_538), "4,538/s"],
  [duration(null), "–"],
  [duration(3.14), "3.1 ms"],
  [duration(312.4), "312 ms"],
  [duration(1_240), "1.24 s"],
  [duration(126_000), "2.1 min"],
  [bytes(999), "999 B"],
  [bytes(1_500), "1.5 kB"],
  [bytes(61_400_000), "61 MB"],
  [bytes(1.24e9), "1.2 GB"],
  [share(0, 10), "0 %"],
  [share(1, 10_000), "<0.1 %"],
  [share(1, 50), "2.0 %"],
  [age("2026-01-01T00:00:00Z", Date.UTC(2026, 0, 1, 0, 3)), "3 min"],
])("a number is shown as %s", (shown, expected) => {
  expect(shown).toBe(expected);
});
