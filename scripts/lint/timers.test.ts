import { expect, it } from "vitest";
import { timersIn } from "./timers.ts";

it.each([
  ["setTimeout(() => {}, 5);", 1],
  ["const at = Date.now();\nconst day = new Date();", 2],
  ["const now = performance.now();", 1],
  ['import { setTimeout as delay } from "node:timers/promises";', 1],
  ["clock.setTimeout(go, 5); session.setTimeout(5);", 0],
  ["new Date(record.createdAt).toISOString();", 0],
  ["// performance.now() is the same\n/** Uses Date.now */", 0],
])("finds the timers that go past the clock in %j", (text, count) => {
  expect(timersIn(text)).toHaveLength(count);
});
