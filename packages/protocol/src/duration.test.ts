import { expect, it } from "vitest";
import { parseDurationMs } from "./duration.ts";

it.each([
  ["1500", 1_500],
  ["250ms", 250],
  ["10s", 10_000],
  ["2m", 120_000],
  ["0", undefined],
  ["0.4", undefined],
  ["1d", undefined],
  ["10h", 36_000_000],
  ["1.5s", 1_500],
  ["-1s", undefined],
  ["", undefined],
])("the duration %j is %s ms", (text, ms) => {
  expect(parseDurationMs(text)).toBe(ms);
});
