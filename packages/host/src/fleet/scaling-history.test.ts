import type { ScalingRecord } from "@leveros/protocol";
import { expect, it } from "vitest";
import { addDecision, NO_HISTORY } from "./scaling-history.ts";

const decision: ScalingRecord = {
  at: "2026-01-01T00:00:00.000Z",
  callsInFlight: 5,
  callsWaiting: 0,
  needed: 1,
  wanted: 1,
  reason: "load",
  running: 1,
  unresponsive: 0,
  draining: 0,
  blockedBy: null,
};

it("a decision like the last recorded one is the newest, and not recorded again", () => {
  const first = addDecision(NO_HISTORY, decision);
  expect(first.records).toEqual([decision]);
  const again = { ...decision, at: "2026-01-01T00:00:01.000Z", callsInFlight: 7 };
  expect(addDecision(first, again)).toEqual({ last: again, records: [decision] });
});

it.each<Partial<ScalingRecord>>([
  { wanted: 2 },
  { reason: "recentLoad" },
  { running: 2 },
  { blockedBy: "memory" },
  { unresponsive: 1 },
])("a decision with another %j is recorded", (change) => {
  const history = addDecision(NO_HISTORY, decision);
  const other = { ...decision, ...change };
  expect(addDecision(history, other).records).toEqual([decision, other]);
});

it("a service that was always at zero has no records", () => {
  const atZero: ScalingRecord = { ...decision, wanted: 0, running: 0, reason: "idle" };
  expect(addDecision(NO_HISTORY, atZero)).toEqual({ last: atZero, records: [] });
});

it("the last 20 records are kept", () => {
  let history = NO_HISTORY;
  for (let wanted = 1; wanted <= 30; wanted++)
    history = addDecision(history, { ...decision, wanted });
  expect(history.records.map(({ wanted }) => wanted)).toEqual(
    Array.from({ length: 20 }, (_, i) => i + 11),
  );
});
