import {
  type CallHandle,
  type CallListener,
  type CallRequest,
  defaultLimits,
  LeverError,
  OUTSIDE,
  PAYLOAD_JSON,
  PAYLOAD_LINES,
} from "@leveros/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../../../tests/harness/virtual-clock.ts";
import { HostMeters } from "../metrics/host-meters.ts";
import { outcomeNames } from "../metrics/outcome.ts";
import type { InstanceTarget } from "./instance-target.ts";
import { outcomeOf } from "./outcome-of.ts";
import { Router } from "./router.ts";
import type { ServiceRoute } from "./service-route.ts";

const bytes = new TextEncoder().encode("123");
const nothing = { onMessage() {}, onEnd() {}, onFail() {}, onAbort() {}, onDrain() {} };

let clock: VirtualClock;
let meters: HostMeters;
let router: Router;
let route: ServiceRoute;
let instance: CallListener;
let target: InstanceTarget;

beforeEach(() => {
  clock = new VirtualClock();
  meters = new HostMeters({ metricSeriesMax: 10 }, 0);
  const { services, refusals } = meters;
  router = new Router({
    limits: { ...defaultLimits, queuedCallsPerServiceMax: 1 },
    clock,
    nextEpoch: () => 1,
    meters: services,
    refusals,
  });
  const access = { corsOrigins: new Set<string>(), kind: "services" as const, isPublic: false };
  router.setEnvironment("dev.lever", access);
  const live = { version: 1, isPrivate: false, methods: ["method", "someChan"] };
  route = router.setService("dev.lever", "svc", live);
  target = {
    instance: "i",
    version: 1,
    callsInFlight: 0,
    streamsInFlight: 0,
    callee: {
      open(_request, listener) {
        instance = listener;
        return { send: () => true, end() {}, fail() {}, abort() {}, pause() {}, resume() {} };
      },
    },
  };
});

function open(method = "method", timeoutMs = 100): CallHandle {
  const isStream = method === "someChan";
  const request: CallRequest = {
    target: { environment: "dev.lever", service: "svc", resource: "", method },
    caller: OUTSIDE,
    isStream,
    timeoutMs: isStream ? 0 : timeoutMs,
    kind: PAYLOAD_JSON,
    body: bytes,
  };
  return router.open(request, nothing, isStream);
}

/** The calls that were counted, by outcome. */
function counted(): Record<string, number> {
  const [method] = meters.services.of("dev.lever", "svc").allMethods;
  return Object.fromEntries(
    outcomeNames.flatMap((name, index) => {
      const count = method?.calls[index] ?? 0;
      return count === 0 ? [] : [[name, count]];
    }),
  );
}

describe("M1: a call is counted once, however it ends", () => {
  it.each<[string, (call: CallHandle) => void]>([
    ["ok", () => instance.onEnd()],
    ["error", () => instance.onFail(PAYLOAD_JSON, bytes)],
    ["crashed", () => instance.onAbort(new LeverError("instance_failed", "It exited."))],
    ["cancelled", (call) => call.abort(new LeverError("cancelled", "The caller has left."))],
    ["timeout", () => clock.advance(100)],
  ])("%s", (outcome, end) => {
    route.add(target);
    const call = open();
    end(call);
    instance.onEnd();
    instance.onAbort(new LeverError("internal", "Again."));
    call.abort(new LeverError("cancelled", "Again."));
    clock.advance(1_000);
    expect(counted()).toEqual({ [outcome]: 1 });
  });

  it("refused, since too many calls wait, and timeout, since it waited too long", () => {
    open();
    open();
    expect(counted()).toEqual({ refused: 1 });
    clock.advance(100);
    expect(counted()).toEqual({ refused: 1, timeout: 1 });
  });

  it("unavailable, once, after another instance has got it", () => {
    route.add(target);
    open();
    instance.onUnread?.(new LeverError("instance_failed", "It exited."));
    expect(counted()).toEqual({});
    instance.onAbort(new LeverError("unavailable", "It was stopped."));
    expect(counted()).toEqual({ unavailable: 1 });
  });
});

it("the durations of calls and waits are those of the clock", () => {
  open();
  clock.advance(20);
  route.add(target);
  clock.advance(30);
  instance.onEnd();
  const service = meters.services.of("dev.lever", "svc");
  expect(service.waits?.sumMs).toBe(20);
  expect(service.allMethods[0]?.durations.sumMs).toBe(50);
});

it("bytes and messages are counted in both directions", () => {
  route.add(target);
  open();
  instance.onMessage(PAYLOAD_JSON, bytes);
  instance.onEnd();
  const service = meters.services.of("dev.lever", "svc");
  expect(service).toMatchObject({ bytesIn: 3, bytesOut: 3, messagesIn: 0, messagesOut: 0 });
  const stream = open("someChan");
  stream.send(PAYLOAD_JSON, bytes);
  stream.send(PAYLOAD_LINES, new TextEncoder().encode("1\n2\n3\n"));
  instance.onMessage(PAYLOAD_JSON, bytes);
  instance.onEnd();
  expect(service).toMatchObject({ bytesIn: 15, bytesOut: 6, messagesIn: 4, messagesOut: 1 });
});

it("a call that reaches no service is counted by the code of its refusal", () => {
  open("other");
  expect([...meters.refusals]).toEqual([["unknown_method", 1]]);
  expect(counted()).toEqual({});
});

it("without meters nothing is counted", () => {
  const plain = new Router({ limits: defaultLimits, clock, nextEpoch: () => 1 });
  plain.setEnvironment("dev.lever", {
    corsOrigins: new Set(),
    kind: "services",
    isPublic: false,
  });
  const live = { version: 1, isPrivate: false, methods: ["method"] };
  expect(plain.setService("dev.lever", "svc", live).meter).toBeUndefined();
});

it.each([
  ["cancelled", "cancelled"],
  ["deadline_exceeded", "timeout"],
  ["unavailable", "unavailable"],
  ["overloaded", "refused"],
  ["too_large", "refused"],
  ["start_failed", "crashed"],
  ["resource_failed", "crashed"],
  ["internal", "crashed"],
  ["method_failed", "error"],
] as const)("a call that ends with the code %s is counted as %s", (code, expected) => {
  expect(outcomeNames[outcomeOf(new LeverError(code, "x"))]).toBe(expected);
});

it("a status of a service's program is an error of its method", () => {
  const error = new LeverError("unavailable", "x", { grpcStatus: 14 });
  expect(outcomeNames[outcomeOf(error)]).toBe("error");
});
