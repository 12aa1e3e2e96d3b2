import { expect, it } from "vitest";
import { VirtualClock } from "../../../../tests/harness/virtual-clock.ts";
import { checkHealth, type HealthState, HealthTicker, healthyNow } from "./process-health.ts";

const times = { unresponsiveAfterMs: 400, unresponsiveKillAfterMs: 30_000 };

/** Ticks for a busy or idle process, some after a stall of the host; returns each action with its time. */
function play(
  start: HealthState,
  ticks: readonly (readonly [
    at: number,
    isBusy: boolean | "given calls" | "answers calls",
    hostStallMs?: number,
  ])[],
): string[] {
  let state = start;
  const actions: string[] = [];
  for (const [now, busy, hostStallMs = 0] of ticks) {
    const checked = checkHealth(state, {
      now,
      hostStallMs,
      isBusy: busy !== false,
      hasNewCalls: typeof busy === "string",
      hasAnswered: busy === "answers calls",
      ...times,
    });
    state = checked.state;
    if (checked.action !== undefined) actions.push(`${now} ${checked.action}`);
  }
  return actions;
}

it("a busy process is pinged at each tick, an idle one every five seconds", () => {
  expect(play(healthyNow(0), [[200, true]])).toEqual(["200 ping"]);
  expect(
    play(healthyNow(0), [
      [200, false],
      [4_999, false],
      [5_000, false],
    ]),
  ).toEqual(["5000 ping"]);
});

it("a ping waits for the next check, and no longer, if the process was just given a call", () => {
  expect(
    play(healthyNow(0), [
      [200, "given calls"],
      [400, "given calls"],
      [600, "given calls"],
      [800, "given calls"],
    ]),
  ).toEqual(["400 ping", "800 unresponsive"]);
});

it("a ping of a process that answers the calls it is given waits for up to four checks", () => {
  const ticks = [1, 2, 3, 4, 5, 6].map((tick) => [tick * 200, "answers calls"] as const);
  expect(play(healthyNow(0), ticks)).toEqual(["1000 ping"]);
  const blocked = [
    [200, "answers calls"],
    [400, "answers calls"],
    [600, "given calls"],
  ] as const;
  expect(play(healthyNow(0), blocked)).toEqual(["600 ping"]);
});

it("a ping of a process that was idle meanwhile waits again", () => {
  expect(
    play(healthyNow(0), [
      [200, "given calls"],
      [400, false],
      [600, "given calls"],
      [800, true],
    ]),
  ).toEqual(["800 ping"]);
});

it("a process without an answer is unresponsive once, and killed much later", () => {
  expect(
    play(healthyNow(0), [
      [200, true],
      [400, true],
      [600, true],
      [800, true],
      [30_199, false],
      [30_200, false],
    ]),
  ).toEqual(["200 ping", "600 unresponsive", "30200 kill"]);
});

it("the time for which the host itself stalled does not count", () => {
  expect(
    play(healthyNow(0), [
      [200, true],
      [60_000, true, 59_600],
      [60_200, true],
      [120_000, true, 59_600],
      [149_399, true],
      [149_400, true],
    ]),
  ).toEqual(["200 ping", "60200 unresponsive", "149400 kill"]);
});

it("a ticker passes on how late each tick is, until it is stopped", () => {
  const clock = new VirtualClock();
  let stalledMs = 0;
  const ticks: (readonly [number, number])[] = [];
  const ticker = new HealthTicker(
    {
      now: () => clock.now() + stalledMs,
      wallTime: () => clock.wallTime() + stalledMs,
      setTimeout: (callback, ms) => clock.setTimeout(callback, ms),
      clearTimeout: (timer) => clock.clearTimeout(timer),
    },
    200,
    (hostStallMs) => ticks.push([clock.now(), hostStallMs]),
  );
  clock.advance(500);
  stalledMs = 3_000;
  clock.advance(400);
  ticker.stop();
  clock.advance(1_000);
  expect(ticks).toEqual([
    [200, 0],
    [400, 0],
    [600, 3_000],
    [800, 0],
  ]);
});
