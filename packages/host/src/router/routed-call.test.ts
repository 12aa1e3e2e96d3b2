import {
  type CallHandle,
  type CallListener,
  defaultLimits,
  ignoredEvents,
  LeverError,
  OUTSIDE,
  PAYLOAD_JSON,
} from "@leveros/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../../../tests/harness/virtual-clock.ts";
import type { InstanceTarget } from "./instance-target.ts";
import { Router } from "./router.ts";
import type { ServiceRoute } from "./service-route.ts";

const bytes = new TextEncoder().encode("1");

let clock: VirtualClock;
let router: Router;
let route: ServiceRoute;
/** The events of the instance and of the caller, in order. */
let seen: string[];
let events: CallListener;
let target: InstanceTarget;

beforeEach(() => {
  clock = new VirtualClock();
  seen = [];
  router = new Router({ limits: defaultLimits, clock, nextEpoch: () => 1 });
  const access = { corsOrigins: new Set<string>(), kind: "services" as const, isPublic: false };
  router.setEnvironment("dev.lever", access);
  const live = { version: 1, isPrivate: false, methods: ["method", "chan"] };
  route = router.setService("dev.lever", "svc", live);
  const see =
    (what: string): (() => void) =>
    () =>
      seen.push(what);
  target = {
    instance: "i",
    version: 1,
    callsInFlight: 0,
    streamsInFlight: 0,
    callee: {
      open(_request, listener, hasMore) {
        events = listener;
        seen.push(hasMore ? "open" : "open whole");
        return {
          send: () => seen.push("send") > 0,
          end: see("end"),
          fail: see("fail"),
          abort: see("abort"),
          pause: see("pause"),
          resume: see("resume"),
        };
      },
    },
  };
});

function open(method: string, timeoutMs = 0): CallHandle {
  const isStream = method === "chan";
  const see =
    (what: string): (() => void) =>
    () =>
      seen.push(what);
  return router.open(
    {
      target: { environment: "dev.lever", service: "svc", resource: "", method },
      caller: OUTSIDE,
      isStream,
      timeoutMs,
      kind: PAYLOAD_JSON,
      body: bytes,
    },
    {
      onMessage: see("caller: message"),
      onEnd: see("caller: end"),
      onFail: see("caller: fail"),
      onAbort: see("caller: abort"),
      onDrain: see("caller: drain"),
    },
    isStream,
  );
}

describe("a stream that waits for an instance", () => {
  it.each<[string, (side: CallHandle) => void, string[]]>([
    ["nothing", () => {}, ["open", "caller: drain"]],
    ["a message", (side) => side.send(PAYLOAD_JSON, bytes), ["open", "send", "caller: drain"]],
    ["its end", (side) => side.end(), ["open whole"]],
    [
      "a message and its end",
      (side) => {
        side.send(PAYLOAD_JSON, bytes);
        side.end();
      },
      ["open", "send", "end"],
    ],
    [
      "a message that is its last",
      (side) => side.send(PAYLOAD_JSON, bytes, true),
      ["open", "send", "end"],
    ],
    [
      "its end twice, and a message behind it",
      (side) => {
        side.end();
        side.end();
        side.send(PAYLOAD_JSON, bytes);
      },
      ["open whole"],
    ],
    [
      "a pause",
      (side) => {
        side.end();
        side.pause();
      },
      ["open whole", "pause"],
    ],
    [
      "a pause that is over",
      (side) => {
        side.end();
        side.pause();
        side.resume();
      },
      ["open whole"],
    ],
    ["its cancellation", (side) => side.abort(new LeverError("cancelled", "gone")), []],
  ])("the instance gets %s once, in order", (_, act, expected) => {
    const side = open("chan");
    act(side);
    route.add(target);
    expect(seen).toEqual(expected);
  });

  it("an early message is not writable, so that its caller waits", () => {
    expect(open("chan").send(PAYLOAD_JSON, bytes)).toBe(false);
  });
});

describe("a stream that its service ends", () => {
  it("is ended at the instance, which still waits for its caller", () => {
    route.add(target);
    open("chan");
    seen = [];
    events.onEnd();
    expect(seen).toEqual(["end", "caller: end"]);
    expect([target.callsInFlight, target.streamsInFlight]).toEqual([0, 0]);
  });

  it("is not ended a second time when its caller has ended it", () => {
    route.add(target);
    open("chan").end();
    seen = [];
    events.onEnd();
    expect(seen).toEqual(["caller: end"]);
  });
});

it.each<[string, () => void]>([
  ["a reply", () => events.onEnd()],
  ["an error", () => events.onFail(PAYLOAD_JSON, bytes)],
])("an instance that has given %s has served", (_, end) => {
  route.add(target);
  open("method");
  expect(target.hasServed).toBeUndefined();
  end();
  expect(target.hasServed).toBe(true);
});

it("a call that its instance has not answered does not count as served", () => {
  route.add(target);
  open("method");
  events.onAbort(new LeverError("instance_failed", "It is gone."));
  expect(target.hasServed).toBeUndefined();
});

it("a service was last used when its last call ended", () => {
  route.add(target);
  open("method");
  clock.advance(500);
  events.onEnd();
  expect(route.lastUsedAt).toBe(500);
});

it("a call that has ended has no timer", () => {
  route.add(target);
  open("method", 1_000);
  events.onEnd();
  expect(clock.runNext(10_000)).toBe(false);
});

describe("a call that its instance has not read", () => {
  const died = new LeverError("instance_failed", "It died.");
  const other = (): InstanceTarget => ({ ...target, instance: "other", callsInFlight: 0 });

  it("goes to another instance, and fails if that one has not read it either", () => {
    route.add(target);
    open("method");
    route.stopping(target);
    events.onUnread?.(died);
    expect([seen, route.callsWaiting, target.callsInFlight]).toEqual([["open whole"], 1, 0]);
    const second = other();
    route.add(second);
    expect([seen, second.callsInFlight]).toEqual([["open whole", "open whole"], 1]);
    events.onUnread?.(died);
    expect([seen.at(-1), second.callsInFlight]).toEqual(["caller: abort", 0]);
  });

  it("goes to another instance if it is a stream that has sent nothing", () => {
    route.add(target);
    open("chan");
    route.stopping(target);
    events.onUnread?.(died);
    const second = other();
    route.add(second);
    expect(seen).toEqual(["open", "caller: drain", "open", "caller: drain"]);
    expect([target.streamsInFlight, second.streamsInFlight]).toEqual([0, 1]);
  });

  it.each([
    ["before it had an instance", true],
    ["to its instance", false],
  ])("fails if it is a stream whose messages went %s: they are gone", (_when, isEarly) => {
    if (!isEarly) route.add(target);
    const side = open("chan");
    side.send(PAYLOAD_JSON, bytes);
    if (isEarly) route.add(target);
    route.stopping(target);
    events.onUnread?.(died);
    expect([seen.at(-1), route.callsWaiting]).toEqual(["caller: abort", 0]);
  });
});

it("a call whose deadline passes while its service is full says so, and what may keep it full", () => {
  route.add(target);
  route.capacity = { callsPerInstanceTarget: 1, scaleUpAbove: 1, canScaleUp: false };
  open("method");
  let reason = "";
  const listener = {
    ...ignoredEvents,
    onAbort: ({ message }: LeverError) => {
      reason = message;
    },
  };
  const place = { environment: "dev.lever", service: "svc", resource: "", method: "method" };
  const request = { target: place, caller: OUTSIDE, isStream: false, timeoutMs: 1_000 };
  router.open({ ...request, kind: PAYLOAD_JSON, body: bytes }, listener, false);
  clock.advance(1_000);
  expect(reason).toBe(
    "Cannot finish the call of svc/method: its 1000 ms were over while it waited for an instance. Its instances were full, and no more may start (maxInstances). If they wait for calls that they make to this service through the public port, make those by Lever's client instead: they need no free place.",
  );
});
