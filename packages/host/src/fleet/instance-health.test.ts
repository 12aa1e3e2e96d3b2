import { expect, it } from "vitest";
import { checkHealth, type HealthState, healthyNow } from "./instance-health.ts";

const times = { silentAfterMs: 400, silentKillMs: 30_000 };

/** Ticks at these times; what each came to. */
function play(start: HealthState, ticks: readonly (readonly [number, boolean])[]): string[] {
  let state = start;
  const told: string[] = [];
  for (const [now, isBusy] of ticks) {
    const checked = checkHealth(state, { now, isBusy, ...times });
    state = checked.state;
    if (checked.action !== undefined) told.push(`${now} ${checked.action}`);
  }
  return told;
}

it("asks a busy instance at each tick, and an idle one every five seconds", () => {
  expect(play(healthyNow(0), [[200, true]])).toEqual(["200 ping"]);
  expect(
    play(healthyNow(0), [
      [200, false],
      [4_999, false],
      [5_000, false],
    ]),
  ).toEqual(["5000 ping"]);
});

it("finds one silent that has not answered for its time, once, and gives it up much later", () => {
  expect(
    play(healthyNow(0), [
      [200, true],
      [400, true],
      [600, true],
      [800, true],
      [30_199, false],
      [30_200, false],
    ]),
  ).toEqual(["200 ping", "600 silent", "30200 kill"]);
});
