import { expect, it } from "vitest";
import { startWaitedFor } from "./start-waited-for.ts";

const start = { isWarm: true, prepareMs: 10, launchMs: 20, loadMs: 30 };
const readyAt = 1_000;

it.each([
  ["all of a start after it", 900, { prepareMs: 10, launchMs: 20, loadMs: 30 }],
  ["all of a start from its beginning", 940, { prepareMs: 10, launchMs: 20, loadMs: 30 }],
  ["the rest of a launch", 955, { prepareMs: 0, launchMs: 15, loadMs: 30 }],
  ["the rest of a load", 999, { prepareMs: 0, launchMs: 0, loadMs: 1 }],
])("a call has waited for %s", (_what, since, times) => {
  expect(startWaitedFor({ start, readyAt }, since)).toEqual({ isWarm: true, ...times });
});

it("a call that came after the start has not waited for it", () => {
  expect(startWaitedFor({ start, readyAt }, readyAt)).toBeUndefined();
  expect(startWaitedFor({}, 900)).toBeUndefined();
});
