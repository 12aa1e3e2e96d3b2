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

it("says what is so, and by which numbers", () => {
  expect(explain({})).toBe(
    "svc version 2 has 3 instances, and should have 4: 34 calls in flight and 6 waiting, at 10 for each instance (maxInstanceLoad), need 4.",
  );
  expect(explain({ wanted: 0, running: 0, reason: "idle" })).toBe(
    "svc version 2 has 0 instances, and should have 0: nobody calls, and the next call starts one.",
  );
  expect(explain({ reason: "idleTimeout" })).toContain(
    "one stays until nobody has called for 300.0 s",
  );
  expect(explain({ reason: "minInstances" })).toContain("at least 2 (minInstances)");
  expect(explain({ reason: "maxInstances" })).toContain("at most 20 (maxInstances");
  expect(explain({ reason: "recentLoad" })).toContain("within the last 45.0 s");
});

it("says what keeps others from starting, and who does not count", () => {
  const text = explain(
    { blockedBy: "memory", unresponsive: 1, draining: 2 },
    { lastError: "It broke." },
  );
  expect(text).toContain(
    "3 instances, beside 1 that do not answer and 2 that finish what they have",
  );
  expect(text).toContain("all the memory");
  expect(text).toContain("Its last instance that failed: It broke.");
  expect(explain({ blockedBy: "backoff" })).toContain("after a delay");
});

it("lists the answers before", () => {
  const lines = explain({}, { records: [now] }).split("\n");
  expect(lines.at(-1)).toBe("12:00:05  4       load    3        34     6        0");
});
