// One file, although long: the tests share one route, its calls and its hooks.
import { type CallListener, closedSide, defaultLimits, LeverError } from "@leveros/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../../../tests/harness/virtual-clock.ts";
import type { SubmittedCall } from "./call.ts";
import type { ChainLink, Ownership } from "./chain-link.ts";
import type { InstanceTarget } from "./instance-target.ts";
import type { Lease } from "./lease.ts";
import { ServiceRoute } from "./service-route.ts";

const bounds = { callsPerInstanceMax: 3, queuedCallsPerServiceMax: 4, resourcesPerServiceMax: 2 };
const limits = { ...defaultLimits, ...bounds };

interface CallFields {
  readonly resource?: string;
  readonly isStream?: boolean;
  readonly parent?: ChainLink;
  readonly deadlineAt?: number;
}

class Call implements SubmittedCall {
  readonly number = 0;
  readonly root = 0;
  readonly isSampled = false;
  readonly trace = undefined;
  readonly bodyBytes = 10;
  readonly resource: string;
  readonly isStream: boolean;
  readonly parent: ChainLink | undefined;
  readonly depth = 1;
  readonly deadlineAt: number;
  readonly passMark = undefined;
  readonly declines = 0;
  readonly hasWaited = false;
  isOver = false;
  lease: Lease | undefined;
  refusal: string | undefined;
  onAssign = (): void => {};

  constructor({
    resource = "",
    isStream = false,
    parent,
    deadlineAt = Number.POSITIVE_INFINITY,
  }: CallFields = {}) {
    this.deadlineAt = deadlineAt;
    this.parent = parent;
    this.resource = resource;
    this.isStream = isStream;
  }

  wait(): void {}

  isOn(target: InstanceTarget): boolean {
    return this.lease?.target === target;
  }

  usesOwnership({ resource, epoch }: Ownership): "call" | undefined {
    return this.resource === resource && this.lease?.epoch === epoch ? "call" : undefined;
  }

  assign(lease: Lease): void {
    this.lease = lease;
    this.onAssign();
  }

  refuse({ code }: LeverError): void {
    this.refusal = code;
  }

  decline(): void {}

  end(): void {
    this.isOver = true;
    this.lease?.end(clock.now());
  }
}

let clock: VirtualClock;
let route: ServiceRoute;
let waiting: { calls: number; bytes: number };
let demands: number;
let target: InstanceTarget;
/** Hooks that run on the instance. */
let hooks: CallListener[];

beforeEach(() => {
  clock = new VirtualClock();
  waiting = { calls: 0, bytes: 0 };
  demands = 0;
  hooks = [];
  target = {
    instance: "a",
    version: 1,
    callsInFlight: 0,
    streamsInFlight: 0,
    callee: {
      open(_request, events) {
        hooks.push(events);
        return closedSide;
      },
    },
  };
  let epoch = 0;
  const name = { environment: "dev.lever", service: "svc" };
  const live = { version: 1, isPrivate: false, methods: ["method"] };
  route = new ServiceRoute(name, live, {
    waiting,
    limits,
    clock,
    nextEpoch: () => ++epoch,
    onDemand: () => demands++,
    onStuck() {},
  });
});

function submit(of?: CallFields): Call {
  const call = new Call(of);
  route.submit(call);
  return call;
}

/** `newResource` or `closeResource` succeeds. */
const answerHook = (): void => hooks.shift()?.onEnd();

const counts = (): number[] => [target.callsInFlight, target.streamsInFlight];

describe("the counts of a route (C2)", () => {
  it("calls and streams count by kind until they end", () => {
    route.add(target);
    const [call, stream] = [submit(), submit({ isStream: true })];
    expect(counts()).toEqual([2, 1]);
    stream.end();
    expect(counts()).toEqual([1, 0]);
    call.end();
    expect(counts()).toEqual([0, 0]);
  });

  it("calls that come one after the other need no more instances", () => {
    route.add(target);
    route.capacity = { callsPerInstanceTarget: 2, scaleUpAbove: 1, canScaleUp: true };
    for (let i = 0; i < 5; i++) submit().end();
    expect(demands).toBe(0);
    submit();
    submit();
    expect(demands).toBe(1);
  });

  it("calls that wait count until they get an instance, leave, or are refused", () => {
    const [, leaving] = [submit(), submit(), submit({ resource: "r" }), submit({ resource: "s" })];
    expect(waiting).toEqual({ calls: 4, bytes: 40 });
    route.leaveQueue(leaving);
    route.leaveQueue(leaving);
    expect(waiting).toEqual({ calls: 3, bytes: 30 });
    route.add(target);
    answerHook();
    expect([route.callsWaiting, waiting]).toEqual([1, { calls: 1, bytes: 10 }]);
    route.refuseWaiting(new LeverError("unavailable", "Lever is stopping."));
    expect([route.callsWaiting, waiting]).toEqual([0, { calls: 0, bytes: 0 }]);
  });

  it("an instance that has exited leaves nothing in a route", () => {
    route.add(target);
    submit({ resource: "r" });
    answerHook();
    expect(route.remembers(target)).toBe(true);
    route.drain(target);
    route.stopping(target);
    route.exited(target, undefined);
    expect(route.remembers(target)).toBe(false);
  });
});

describe("a call that waits", () => {
  it("gets the place of a call that ends, before a new call does", () => {
    route.capacity = { callsPerInstanceTarget: 1, scaleUpAbove: 1, canScaleUp: true };
    route.add(target);
    const [first, second] = [submit(), submit()];
    route.capacity = { callsPerInstanceTarget: 2, scaleUpAbove: 1, canScaleUp: true };
    const third = submit();
    expect([second.lease, third.lease]).toEqual([undefined, undefined]);
    first.end();
    expect([second.lease?.target, third.lease?.target]).toEqual([target, target]);
  });
  it("gets no place when it ends while waiting calls are given away", () => {
    const [first, second] = [submit({ resource: "r" }), submit({ resource: "r" })];
    first.onAssign = () => {
      second.isOver = true;
      route.leaveQueue(second);
    };
    route.add(target);
    answerHook();
    expect([second.lease, counts(), waiting.calls]).toEqual([undefined, [1, 0], 0]);
  });
});

describe("a service whose next instance starts later", () => {
  it("refuses the calls whose deadline passes before that, with the reason", () => {
    const calls = ["", "r"].flatMap((resource) =>
      [500, 2_000].map((deadlineAt) => submit({ resource, deadlineAt })),
    );
    route.refuseDueBefore(1_000, new LeverError("instance_failed", "It exited."));
    const expected = ["instance_failed", undefined, "instance_failed", undefined];
    expect(calls.map(({ refusal }) => refusal)).toEqual(expected);
    expect(waiting.calls).toBe(2);
  });
});

describe("an instance", () => {
  it.each<[string, (target: InstanceTarget) => void]>([
    ["is unresponsive", (of) => route.pause(of)],
    ["drains", (of) => route.drain(of)],
    ["stops", (of) => route.stopping(of)],
    ["has exited", (of) => route.exited(of, undefined)],
  ])("an instance that %s gets no new calls and no new resources", (_, change) => {
    route.add(target);
    change(target);
    expect([submit().lease, submit({ resource: "r" }).lease, hooks]).toEqual([
      undefined,
      undefined,
      [],
    ]);
  });

  it("an owner that is unresponsive gets the calls of its resource when it recovers", () => {
    route.add(target);
    submit({ resource: "r" });
    answerHook();
    route.pause(target);
    const waits = submit({ resource: "r" });
    expect(waits.lease).toBeUndefined();
    route.recover(target);
    expect(waits.lease?.target).toBe(target);
  });
});

describe("the limits of a route", () => {
  it("the owner of a resource has at most callsPerInstanceMax calls", () => {
    route.add(target);
    submit({ resource: "r" });
    answerHook();
    const refusals = [1, 2, 3].map(() => submit({ resource: "r" }).refusal);
    expect(refusals).toEqual([undefined, undefined, "overloaded"]);
  });

  it("a service has at most resourcesPerServiceMax resources", () => {
    const refusals = ["a", "b", "c", "a"].map((resource) => submit({ resource }).refusal);
    expect(refusals).toEqual([undefined, undefined, "overloaded", undefined]);
  });

  it("a resource is closed when it has had no call for resourceIdleTimeoutMs", () => {
    route.add(target);
    const [call, stream] = [submit({ resource: "r" }), submit({ resource: "r", isStream: true })];
    answerHook();
    for (const used of [call, stream]) {
      clock.advance(limits.resourceIdleTimeoutMs);
      route.closeIdleResources();
      expect(hooks).toEqual([]);
      used.end();
    }
    clock.advance(limits.resourceIdleTimeoutMs);
    route.closeIdleResources();
    expect(hooks).toHaveLength(1);
    answerHook();
    expect(route.resources).toBe(0);
  });
});

describe("the resources of an instance", () => {
  it("an idle resource is closed as soon as its owner drains", () => {
    route.add(target);
    submit({ resource: "r" }).end();
    answerHook();
    const call = submit({ resource: "r" });
    route.drain(target);
    expect(hooks).toEqual([]);
    call.end();
    expect(hooks).toHaveLength(1);
  });

  it("an instance that stays gets the calls that waited for its resources", () => {
    route.add(target);
    submit({ resource: "r" });
    answerHook();
    route.drain(target);
    const waits = submit({ resource: "r" });
    expect(waits.lease).toBeUndefined();
    route.add(target);
    expect(waits.lease?.target).toBe(target);
  });

  it("a resource gets another owner when its own has exited, and not before", () => {
    route.add(target);
    const call = submit({ resource: "r" });
    answerHook();
    route.stopping(target);
    const waits = submit({ resource: "r" });
    route.add({ ...target, instance: "b" });
    call.end();
    expect(hooks).toEqual([]);
    route.exited(target, undefined);
    expect(hooks).toHaveLength(1);
    answerHook();
    expect(waits.lease?.target.instance).toBe("b");
  });
});
