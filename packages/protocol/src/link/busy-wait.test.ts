import { expect, it } from "vitest";
import { BusyWaitPolicy } from "./busy-wait.ts";

let made = 0;

/** Lets something go through every so many milliseconds, and returns for how long it was worth to stay awake last. */
function pace(
  wakefulness: BusyWaitPolicy,
  gapMs: number,
  { times = 100, callsOpen = 1, from = 0, isStream = false } = {},
) {
  let now = from;
  let until = 0;
  for (let i = 0; i < times; i++) {
    now += gapMs;
    until = wakefulness.next(now, { callsOpen, callsMade: isStream ? 1 : ++made });
  }
  return { now, awakeMs: until === 0 ? 0 : until - now };
}

it("stays awake while calls come one after the other", () => {
  expect(pace(new BusyWaitPolicy(), 0.1).awakeMs).toBeCloseTo(0.3);
});

it("does not for callers with pauses between their calls", () => {
  const wakefulness = new BusyWaitPolicy();
  let now = 0;
  for (let call = 0; call < 1_000; call++) {
    // 1,000 calls a second that take 0.1 ms each.
    now += 0.9;
    expect(wakefulness.next(now, { callsOpen: 1, callsMade: call })).toBe(0);
    now += 0.1;
    expect(wakefulness.next(now, { callsOpen: 0, callsMade: call })).toBe(0);
  }
});

it("does not while there are many calls at once", () => {
  expect(pace(new BusyWaitPolicy(), 0.01, { callsOpen: 3 }).awakeMs).toBe(0);
});

it("does not for the messages of a stream, however fast they come", () => {
  expect(pace(new BusyWaitPolicy(), 0.1, { isStream: true }).awakeMs).toBe(0);
});

it("needs a few calls to believe it, after any pause", () => {
  const wakefulness = new BusyWaitPolicy();
  const { now } = pace(wakefulness, 0.1);
  const hourLater = now + 3_600_000;
  expect(wakefulness.next(hourLater, { callsOpen: 1, callsMade: ++made })).toBeGreaterThan(0);
  expect(pace(wakefulness, 1, { times: 3, from: hourLater }).awakeMs).toBe(0);
  expect(pace(wakefulness, 0.1, { times: 20, from: hourLater + 10 }).awakeMs).toBeGreaterThan(0);
});
