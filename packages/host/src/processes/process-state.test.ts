import { describe, expect, it } from "vitest";
import { dueAt, type ProcessEvent, type ProcessState, stepProcess } from "./process-state.ts";

const times = { stopTimeoutMs: 10_000, exitGraceMs: 500 };

type Plain = Exclude<ProcessEvent["type"], "drain">;

/** Plays events at their times from the start; returns each action with its time, then the last phase. */
function play(events: readonly (readonly [number, Plain | ProcessEvent])[]): string[] {
  let state: ProcessState = { phase: "starting", failAt: 30_000 };
  const seen: string[] = [];
  for (const [now, what] of events) {
    const event = typeof what === "string" ? { type: what } : what;
    const step = stepProcess(state, event, { now, ...times });
    state = step.state;
    for (const action of step.actions) seen.push(`${now} ${action}`);
  }
  return [...seen, state.phase];
}

describe("a process", () => {
  it("that is stopped is asked to exit, and killed when it takes too long", () => {
    expect(
      play([
        [5, "loaded"],
        [100, "stop"],
        [10_099, "tick"],
        [10_100, "tick"],
        [10_200, "tick"],
        [10_300, "exited"],
      ]),
    ).toEqual(["5 ready", "100 unready", "100 stop", "10100 kill", "exited"]);
  });

  it("that exits in time is never killed", () => {
    expect(
      play([
        [5, "loaded"],
        [100, "stop"],
        [150, "exited"],
        [20_000, "tick"],
      ]),
    ).toEqual(["5 ready", "100 unready", "100 stop", "exited"]);
  });

  it("that crashes gets no more work before it is exited", () => {
    expect(
      play([
        [5, "loaded"],
        [9, "exited"],
        [9, "exited"],
      ]),
    ).toEqual(["5 ready", "9 unready", "exited"]);
  });

  it("that does not load in time is killed with that reason", () => {
    expect(
      play([
        [29_999, "tick"],
        [30_000, "tick"],
        [30_001, "exited"],
      ]),
    ).toEqual(["30000 startTimedOut", "30000 kill", "exited"]);
  });

  it("that is stopped while it loads is killed", () => {
    expect(
      play([
        [10, "stop"],
        [20, "loaded"],
        [30, "exited"],
      ]),
    ).toEqual(["10 kill", "exited"]);
  });

  it("that loses its link gets no more work, and 500 ms to exit by itself", () => {
    expect(
      play([
        [5, "loaded"],
        [50, "lost"],
        [549, "tick"],
        [550, "tick"],
        [560, "exited"],
      ]),
    ).toEqual(["5 ready", "50 unready", "550 kill", "exited"]);
    expect(
      play([
        [5, "loaded"],
        [50, "stop"],
        [60, "lost"],
        [560, "tick"],
        [561, "exited"],
      ]),
    ).toEqual(["5 ready", "50 unready", "50 stop", "560 kill", "exited"]);
  });

  it("that is stopped again is not asked again", () => {
    expect(
      play([
        [5, "loaded"],
        [50, "stop"],
        [60, "stop"],
        [70, "stop"],
      ]),
    ).toEqual(["5 ready", "50 unready", "50 stop", "stopping"]);
  });

  it("that drains runs until it is stopped, or until its time is up", () => {
    const drain = { type: "drain", stopAt: 1_000 } as const;
    expect(
      play([
        [5, "loaded"],
        [100, drain],
        [999, "tick"],
        [1_000, "tick"],
        [1_010, "exited"],
      ]),
    ).toEqual(["5 ready", "1000 unready", "1000 stop", "exited"]);
    expect(
      play([
        [5, "loaded"],
        [100, drain],
        [200, "stop"],
        [1_000, "tick"],
      ]),
    ).toEqual(["5 ready", "200 unready", "200 stop", "stopping"]);
  });

  it("that drains and is needed again is ready, and no time stops it", () => {
    expect(
      play([
        [5, "loaded"],
        [100, { type: "drain", stopAt: 1_000 }],
        [200, "resume"],
        [2_000, "tick"],
      ]),
    ).toEqual(["5 ready", "ready"]);
  });

  it("that is drained while it loads is killed", () => {
    expect(
      play([
        [10, { type: "drain", stopAt: 1_000 }],
        [20, "loaded"],
        [30, "resume"],
        [40, "exited"],
      ]),
    ).toEqual(["10 kill", "exited"]);
  });
});

describe("a process that has exited", () => {
  const exit = (events: readonly (readonly [number, Plain])[]): ProcessState =>
    events.reduce<ProcessState>(
      (state, [now, type]) => stepProcess(state, { type }, { now, ...times }).state,
      { phase: "starting", failAt: 30_000 },
    );

  it("was stopped when a stop came before its end, whatever came first", () => {
    const stopped: ProcessState = { phase: "exited", wasStopped: true };
    expect(
      exit([
        [1, "stop"],
        [2, "exited"],
      ]),
    ).toEqual(stopped);
    expect(
      exit([
        [1, "loaded"],
        [2, "stop"],
        [3, "exited"],
      ]),
    ).toEqual(stopped);
    expect(
      exit([
        [1, "loaded"],
        [2, "lost"],
        [3, "stop"],
        [4, "exited"],
      ]),
    ).toEqual(stopped);
  });

  it("failed when it was not stopped", () => {
    const failed: ProcessState = { phase: "exited", wasStopped: false };
    expect(exit([[1, "exited"]])).toEqual(failed);
    expect(
      exit([
        [1, "loaded"],
        [2, "exited"],
        [3, "stop"],
      ]),
    ).toEqual(failed);
    expect(
      exit([
        [1, "loaded"],
        [2, "lost"],
        [3, "exited"],
      ]),
    ).toEqual(failed);
    expect(
      exit([
        [30_000, "tick"],
        [30_001, "exited"],
      ]),
    ).toEqual(failed);
  });
});

describe("the time at which a process's state changes by itself", () => {
  it.each<[ProcessState, number | undefined]>([
    [{ phase: "starting", failAt: 5 }, 5],
    [{ phase: "ready" }, undefined],
    [{ phase: "draining", stopAt: 7 }, 7],
    [{ phase: "draining", stopAt: Number.POSITIVE_INFINITY }, undefined],
    [{ phase: "stopping", killAt: 9, wasStopped: true }, 9],
    [{ phase: "stopping", killAt: Number.POSITIVE_INFINITY, wasStopped: true }, undefined],
    [{ phase: "exited", wasStopped: true }, undefined],
  ])("of %j is %s", (state, at) => {
    expect(dueAt(state)).toBe(at);
  });
});
