import { expect, it } from "vitest";
import { BusyWaitPolicy } from "./busy-wait.ts";

let made = 0;

/** Reports an event every `gapMs`. Returns the duration of the last busy-wait. */
function pace(
  policy: BusyWaitPolicy,
  gapMs: number,
  { times = 100, callsOpen = 1, from = 0, isStream = false } = {},
) {
  let now = from;
  let until = 0;
  for (let i = 0; i < times; i++) {
    now += gapMs;
    until = policy.next(now, { callsOpen, callsMade: isStream ? 1 : ++made });
  }
  return { now, busyWaitMs: until === 0 ? 0 : until - now };
}

it("a caller that makes one call after another is busy-waited for", () => {
  expect(pace(new BusyWaitPolicy(), 0.1).busyWaitMs).toBeCloseTo(0.3);
});

it("a caller that pauses between its calls is not busy-waited for", () => {
  const policy = new BusyWaitPolicy();
  let now = 0;
  for (let call = 0; call < 1_000; call++) {
    // 1,000 calls a second that take 0.1 ms each.
    now += 0.9;
    expect(policy.next(now, { callsOpen: 1, callsMade: call })).toBe(0);
    now += 0.1;
    expect(policy.next(now, { callsOpen: 0, callsMade: call })).toBe(0);
  }
});

it("three concurrent calls are not busy-waited for", () => {
  expect(pace(new BusyWaitPolicy(), 0.01, { callsOpen: 3 }).busyWaitMs).toBe(0);
});

it("calls of many callers are not busy-waited for, also while few are open", () => {
  const policy = new BusyWaitPolicy();
  let now = 0;
  for (let i = 0; i < 100; i++) {
    ({ now } = pace(policy, 0.1, { callsOpen: 3, times: 1, from: now }));
    const { busyWaitMs, now: later } = pace(policy, 0.1, { from: now });
    expect(busyWaitMs).toBe(0);
    now = later;
  }
  expect(pace(policy, 0.1, { times: 1_000, from: now }).busyWaitMs).toBeGreaterThan(0);
});

it("messages of a stream are not busy-waited for", () => {
  expect(pace(new BusyWaitPolicy(), 0.1, { isStream: true }).busyWaitMs).toBe(0);
});

it("after a pause a few calls are needed before busy-waiting starts", () => {
  const policy = new BusyWaitPolicy();
  const { now } = pace(policy, 0.1);
  const hourLater = now + 3_600_000;
  expect(policy.next(hourLater, { callsOpen: 1, callsMade: ++made })).toBeGreaterThan(0);
  expect(pace(policy, 1, { times: 3, from: hourLater }).busyWaitMs).toBe(0);
  expect(pace(policy, 0.1, { times: 20, from: hourLater + 10 }).busyWaitMs).toBeGreaterThan(0);
});
