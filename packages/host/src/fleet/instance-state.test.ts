import { describe, expect, it } from "vitest";
import { type InstanceEvent, type InstanceState, stepInstance } from "./instance-state.ts";

const drainTimeoutMs = 10_000;

/** Plays events at their times from the start, and tells each action with the time at which it came. */
function play(events: readonly (readonly [number, InstanceEvent["type"]])[]): string[] {
  let state: InstanceState = { phase: "starting", failAt: 30_000 };
  const told: string[] = [];
  for (const [now, type] of events) {
    const step = stepInstance(state, { type }, { now, drainTimeoutMs });
    state = step.state;
    for (const action of step.actions) told.push(`${now} ${action}`);
  }
  return [...told, state.phase];
}

describe("an instance", () => {
  it("that is stopped is drained, and killed when it takes longer than its time", () => {
    expect(
      play([
        [5, "loaded"],
        [100, "stop"],
        [10_099, "tick"],
        [10_100, "tick"],
        [10_200, "tick"],
        [10_300, "exited"],
      ]),
    ).toEqual(["5 route", "100 unroute", "100 stop", "10100 kill", "10300 exited", "exited"]);
  });

  it("that exits in time is never killed", () => {
    expect(
      play([
        [5, "loaded"],
        [100, "stop"],
        [150, "exited"],
        [20_000, "tick"],
      ]),
    ).toEqual(["5 route", "100 unroute", "100 stop", "150 exited", "exited"]);
  });

  it("that crashes leaves the router before it is exited", () => {
    expect(
      play([
        [5, "loaded"],
        [9, "exited"],
        [9, "exited"],
      ]),
    ).toEqual(["5 route", "9 unroute", "9 exited", "exited"]);
  });

  it("that does not load in time is killed with that reason", () => {
    expect(
      play([
        [29_999, "tick"],
        [30_000, "tick"],
        [30_001, "exited"],
      ]),
    ).toEqual(["30000 startTimedOut", "30000 kill", "30001 exited", "exited"]);
  });

  it("that is stopped while it loads is killed", () => {
    expect(
      play([
        [10, "stop"],
        [20, "loaded"],
        [30, "exited"],
      ]),
    ).toEqual(["10 kill", "30 exited", "exited"]);
  });

  it("that loses its link gets no more calls, and half a second to exit by itself", () => {
    expect(
      play([
        [5, "loaded"],
        [50, "lost"],
        [549, "tick"],
        [550, "tick"],
        [560, "exited"],
      ]),
    ).toEqual(["5 route", "50 unroute", "550 kill", "560 exited", "exited"]);
    expect(
      play([
        [5, "loaded"],
        [50, "stop"],
        [60, "lost"],
        [560, "tick"],
        [561, "exited"],
      ]),
    ).toEqual(["5 route", "50 unroute", "50 stop", "560 kill", "561 exited", "exited"]);
  });

  it("is told to stop as often as one likes", () => {
    expect(
      play([
        [5, "loaded"],
        [50, "stop"],
        [60, "stop"],
        [70, "stop"],
      ]),
    ).toEqual(["5 route", "50 unroute", "50 stop", "stopping"]);
  });
});
