import { describe, expect, it } from "vitest";
import { decideInstances } from "../autoscaler/decide-instances.ts";
import {
  decideService,
  routeCapacity,
  type ScaledInstance,
  type ServiceNow,
  type ServicePlan,
  scalingRecord,
} from "./decide-service.ts";

const limits = { scaleDownAfterMs: 10_000, idleTimeoutMs: 60_000 };
const GENERATION = 3;

interface Named extends ScaledInstance {
  readonly name: string;
  readonly resources: number;
}

function instance(
  name: string,
  changes: Partial<Omit<Named, "target">> & { calls?: number } = {},
): Named {
  const { calls = 0, ...rest } = changes;
  return {
    name,
    phase: "ready",
    isUnresponsive: false,
    generation: GENERATION,
    resources: 0,
    target: { callsInFlight: calls },
    ...rest,
  };
}

function service(changes: Partial<ServiceNow<Named>> = {}): ServiceNow<Named> {
  return {
    now: 100_000,
    rules: { minInstances: 0, maxInstances: 5, maxInstanceLoad: 10 },
    instances: [],
    preparing: 0,
    generation: GENERATION,
    callsInFlight: 0,
    callsWaiting: 0,
    lastUsedAt: 100_000,
    recent: [],
    startAllowedAt: 0,
    resourcesOf: ({ resources }) => resources,
    ...changes,
  };
}

const plan = (changes: Partial<ServiceNow<Named>> = {}): ServicePlan<Named> =>
  decideService(service(changes), decideInstances, limits);
const names = (instances: readonly Named[]): string[] => instances.map(({ name }) => name);

describe("starts", () => {
  it.each<[string, Partial<ServiceNow<Named>>, number]>([
    ["a service at zero without calls starts none", {}, 0],
    ["a waiting call starts the first", { callsWaiting: 1 }, 1],
    ["a load of 21 over 10 per instance needs three", { callsWaiting: 21 }, 3],
    ["instances that run count", { callsWaiting: 21, instances: [instance("a")] }, 2],
    [
      "starting instances count",
      { callsWaiting: 1, instances: [instance("a", { phase: "starting" })] },
      0,
    ],
    ["instances that are being prepared count", { callsWaiting: 21, preparing: 1 }, 2],
    [
      "stopping instances do not count",
      { callsWaiting: 1, instances: [instance("a", { phase: "stopping" })] },
      1,
    ],
    [
      "exited instances do not count",
      { callsWaiting: 1, instances: [instance("a", { phase: "exited" })] },
      1,
    ],
    [
      "instances of an earlier deploy do not count",
      { callsWaiting: 1, instances: [instance("a", { generation: 2 })] },
      1,
    ],
    [
      "unresponsive instances do not count as answering",
      { callsWaiting: 1, instances: [instance("a", { isUnresponsive: true })] },
      1,
    ],
    ["no more than maxInstances", { callsWaiting: 1_000 }, 5],
    [
      "unresponsive instances count towards maxInstances",
      { callsWaiting: 1_000, instances: [instance("a", { isUnresponsive: true })] },
      4,
    ],
    [
      "minInstances run without calls",
      { rules: { minInstances: 2, maxInstances: 5, maxInstanceLoad: 10 } },
      2,
    ],
  ])("%s", (_, changes, start) => {
    expect(plan(changes).start).toBe(start);
  });

  it("those that only the recent load needs are not needed now", () => {
    const recent = [{ at: 99_000, needed: 4 }];
    const { start, startNeeded } = plan({ callsWaiting: 15, recent });
    expect({ start, startNeeded }).toEqual({ start: 4, startNeeded: 2 });
  });

  it("wait for the back-off after failures", () => {
    const waiting = plan({ callsWaiting: 1, startAllowedAt: 100_001 });
    expect(waiting).toMatchObject({ start: 0, isInBackoff: true });
    const allowed = plan({ callsWaiting: 1, startAllowedAt: 100_000 });
    expect(allowed).toMatchObject({ start: 1, isInBackoff: false });
  });

  it("are not in back-off when none is wanted", () => {
    expect(plan({ startAllowedAt: 200_000 }).isInBackoff).toBe(false);
  });
});

describe("draining instances", () => {
  const draining = (name: string, changes: Parameters<typeof instance>[1] = {}): Named =>
    instance(name, { phase: "draining", ...changes });

  it("stop when they have neither calls nor resources", () => {
    const instances = [
      draining("busy", { calls: 1 }),
      draining("owner", { resources: 1 }),
      draining("idle"),
    ];
    expect(names(plan({ instances }).stop)).toEqual(["idle"]);
  });

  it("resume before others are started", () => {
    const instances = [draining("a", { calls: 1 }), draining("b", { calls: 1 })];
    const one = plan({ callsWaiting: 10, instances });
    expect(names(one.resume)).toEqual(["a"]);
    expect(one.start).toBe(0);
    const three = plan({ callsWaiting: 30, instances });
    expect(names(three.resume)).toEqual(["a", "b"]);
    expect(three).toMatchObject({ start: 1, startNeeded: 1 });
  });

  it("resume in the back-off, too", () => {
    const instances = [draining("a", { calls: 1 })];
    const resumed = plan({ callsWaiting: 10, instances, startAllowedAt: 200_000 });
    expect(names(resumed.resume)).toEqual(["a"]);
    expect(resumed.isInBackoff).toBe(false);
  });

  it("do not resume when they are unresponsive, or of an earlier deploy", () => {
    const instances = [
      draining("silent", { calls: 1, isUnresponsive: true }),
      draining("old", { calls: 1, generation: 2 }),
    ];
    expect(plan({ callsWaiting: 20, instances })).toMatchObject({ resume: [], start: 2 });
  });
});

describe("instances that are no longer wanted", () => {
  it("drain, the least loaded first; calls and resources count", () => {
    const instances = [
      instance("calls", { calls: 3 }),
      instance("resources", { resources: 2 }),
      instance("idle"),
    ];
    const { drain, wanted } = plan({ instances, callsInFlight: 3 });
    expect(wanted).toBe(1);
    expect(names(drain)).toEqual(["idle", "resources"]);
  });

  it("are never those that still start", () => {
    const instances = [instance("a", { phase: "starting" }), instance("b", { phase: "starting" })];
    expect(plan({ instances }).drain).toEqual([]);
  });

  it("all drain after idleTimeoutMs without a call", () => {
    const instances = [instance("a"), instance("b")];
    const idle = plan({ instances, lastUsedAt: 100_000 - limits.idleTimeoutMs });
    expect(idle).toMatchObject({ wanted: 0, reason: "idle" });
    expect(names(idle.drain)).toEqual(["a", "b"]);
  });
});

describe("the route's capacity", () => {
  const rules = { minInstances: 0, maxInstances: 2, maxInstanceLoad: 2.5 };
  const none = { isStarting: false, isOutOfMemory: false };
  const below = plan({ rules, callsWaiting: 1 });
  const atMax = plan({ rules, callsWaiting: 100 });

  it("lets an instance carry twice its load while more may come", () => {
    expect(routeCapacity(below, rules, none)).toEqual({
      canScaleUp: true,
      callsPerInstanceTarget: 6,
      scaleUpAbove: 2.5,
    });
  });

  it("asks for no more instances when the service has all that it may have", () => {
    expect(routeCapacity(atMax, rules, none)).toEqual({
      canScaleUp: false,
      callsPerInstanceTarget: 3,
      scaleUpAbove: Number.POSITIVE_INFINITY,
    });
  });

  it.each([
    ["an instance starts", atMax, { isStarting: true, isOutOfMemory: false }, true],
    [
      "an instance starts and there is no memory for another",
      below,
      { isStarting: true, isOutOfMemory: true },
      true,
    ],
    ["there is no memory", below, { isStarting: false, isOutOfMemory: true }, false],
  ])("when %s", (_, of, outcome, canScaleUp) => {
    expect(routeCapacity(of, rules, outcome).canScaleUp).toBe(canScaleUp);
  });
});

it("a record names what blocks more instances", () => {
  const at = "2026-01-01T00:00:00.000Z";
  const blockedBy = (of: ServicePlan<Named>, isOutOfMemory: boolean): string | null =>
    scalingRecord(of, service(), { at, draining: 0, isOutOfMemory }).blockedBy;
  expect(blockedBy(plan({ callsWaiting: 1 }), false)).toBe(null);
  expect(blockedBy(plan({ callsWaiting: 1 }), true)).toBe("memory");
  expect(blockedBy(plan({ callsWaiting: 1, startAllowedAt: 200_000 }), false)).toBe("backoff");
});
