import type { ScalingRecord, ScalingReport } from "@leveros/protocol";
import { expect, it } from "vitest";
import { explainScaling } from "./explain-scaling.ts";

const now: ScalingRecord = {
  at: "2026-01-31T12:00:05.000Z",
  callsInFlight: 34,
  callsWaiting: 6,
  needed: 4,
  wanted: 4,
  reason: "load",
  running: 3,
  unresponsive: 0,
  draining: 0,
  blockedBy: null,
};

const explain = (changes: Partial<ScalingRecord>, more: Partial<ScalingReport> = {}): string =>
  explainScaling({
    service: "svc",
    version: 2,
    maxInstanceLoad: 10,
    minInstances: 2,
    maxInstances: 20,
    scaleDownAfterMs: 45_000,
    idleTimeoutMs: 300_000,
    now: { ...now, ...changes },
    records: [],
    lastError: null,
    ...more,
  });

it("the current number is explained by the rule that decided, with its numbers", () => {
  expect(explain({})).toBe(
    "svc version 2 has 3 instances. It should have 4: 34 calls in flight and 6 waiting need 4, at 10 calls per instance (maxInstanceLoad).",
  );
  expect(explain({ wanted: 0, running: 0, reason: "idle" })).toBe(
    "svc version 2 has 0 instances. It should have 0: there are no calls, and the next call starts an instance.",
  );
  expect(explain({ reason: "idleTimeout" })).toContain(
    "the last instance stops after 300.0 s without calls",
  );
  expect(explain({ reason: "minInstances" })).toContain("at least 2 (minInstances)");
  expect(explain({ reason: "maxInstances" })).toContain("at most 20 are allowed (maxInstances");
  expect(explain({ reason: "draining" })).toContain("this host is drained");
  expect(explain({ reason: "recentLoad" })).toContain("within the last 45.0 s");
});

it("the explanation names what blocks further instances, and those that get no calls", () => {
  const text = explain(
    { blockedBy: "memory", unresponsive: 1, draining: 2 },
    { lastError: "It broke." },
  );
  expect(text).toContain("3 instances, plus 1 unresponsive and 2 draining. ");
  expect(text).toContain("all memory for instances is reserved");
  expect(text).toContain("The last failure of an instance: It broke.");
  expect(explain({ blockedBy: "backoff" })).toContain("after a delay");
});

it("earlier decisions are a table below the explanation", () => {
  const lines = explain({}, { records: [now] }).split("\n");
  expect(lines.at(-1)).toBe("12:00:05  4       load    3        34     6        0");
});
