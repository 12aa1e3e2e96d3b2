import {
  type CallHandle,
  type CallListener,
  type CallRequest,
  defaultLimits,
  LeverError,
  LOG_READER,
  OUTSIDE,
  PAYLOAD_JSON,
  type WaitTimes,
} from "@leveros/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../../../tests/harness/virtual-clock.ts";
import { endStreams, type InstanceTarget } from "./instance-target.ts";
import { Router } from "./router.ts";
import type { ServiceRoute } from "./service-route.ts";

const service = { kind: "service", environment: "dev.lever", service: "svc" } as const;
const body = new TextEncoder().encode("[]");

interface Heard {
  readonly request: CallRequest;
  readonly events: CallListener;
  readonly aborted: LeverError[];
}

/** A peer at the other end of the router: an instance that keeps what it gets, and answers when told to. */
function peer(instance: string): InstanceTarget & { calls: Heard[] } {
  const calls: Heard[] = [];
  return {
    instance,
    version: 1,
    callsInFlight: 0,
    streamsInFlight: 0,
    calls,
    callee: {
      open(request, events) {
        const call: Heard = { request, events, aborted: [] };
        calls.push(call);
        const side: CallHandle = {
          send: () => true,
          end() {},
          fail() {},
          abort: (error) => call.aborted.push(error),
          pause() {},
          resume() {},
        };
        return side;
      },
    },
  };
}

class Ears implements CallListener {
  readonly heard: string[] = [];
  waitMs: number | undefined;
  onAssigned({ waitMs }: WaitTimes): void {
    this.waitMs = waitMs;
  }
  onMessage(_kind: number, bytes: Uint8Array): void {
    this.heard.push(new TextDecoder().decode(bytes));
  }
  onEnd(): void {
    this.heard.push("end");
  }
  onFail(): void {
    this.heard.push("fail");
  }
  reason: string | undefined;
  onAbort(error: LeverError): void {
    this.heard.push(error.code);
    this.reason = error.message;
  }
  onDrain(): void {}
}

let clock: VirtualClock;
let router: Router;
let route: ServiceRoute;
const demands: string[] = [];

const request = (changes: Partial<CallRequest> = {}, path = "svc/method"): CallRequest => {
  const [service = "", method = ""] = path.split("/");
  return {
    target: { environment: "dev.lever", service, resource: "", method },
    caller: OUTSIDE,
    isStream: false,
    timeoutMs: 0,
    kind: PAYLOAD_JSON,
    body,
    ...changes,
  };
};

const call = (
  changes: Partial<CallRequest> = {},
  path?: string,
): { ears: Ears; side: CallHandle } => {
  const ears = new Ears();
  return { ears, side: router.open(request(changes, path), ears, changes.isStream === true) };
};

beforeEach(() => {
  clock = new VirtualClock();
  let epoch = 0;
  demands.length = 0;
  const limits = {
    ...defaultLimits,
    callsPerInstanceMax: 2,
    queuedCallsPerServiceMax: 2,
    queuedBytesPerServiceMax: 10,
  };
  router = new Router({ limits, clock, nextEpoch: () => ++epoch });
  router.demanded.add(({ service }) => demands.push(service));
  router.setEnvironment("dev.lever", {
    corsOrigins: new Set(),
    kind: "services",
    isPublic: false,
  });
  router.setEnvironment("admin.lever", {
    corsOrigins: new Set(),
    kind: "platform",
    isPublic: false,
  });
  const live = { version: 1, isPrivate: false, methods: ["method", "chan"] };
  route = router.setService("dev.lever", "svc", live);
});

describe("the router", () => {
  it("refuses what is not there, by name", () => {
    const target = { environment: "no.lever", service: "svc", resource: "", method: "method" };
    expect(call({ target }).ears.heard).toEqual(["unknown_environment"]);
    expect(call({}, "nobody/method").ears.heard).toEqual(["unknown_service"]);
    expect(call({}, "svc/nothing").ears.heard).toEqual(["unknown_method"]);
    expect(call({ isStream: true }).ears.heard).toEqual(["wrong_method_kind"]);
    expect(call({}, "svc/chan").ears.heard).toEqual(["wrong_method_kind"]);
  });

  it("lets only the same environment call a private service", () => {
    const live = { version: 1, isPrivate: true, methods: ["method"] };
    router.setService("dev.lever", "secret", live).add(peer("a"));
    const from = (environment: string): string[] =>
      call({ caller: { kind: "service", environment, service: "svc" } }, "secret/method").ears
        .heard;
    expect(call({}, "secret/method").ears.heard).toEqual(["private_service"]);
    expect(from("other.lever")).toEqual(["private_service"]);
    expect(from("dev.lever")).toEqual([]);
  });

  it("lets no service call into an environment that is closed to instances", () => {
    const target = { environment: "admin.lever", service: "admin", resource: "", method: "method" };
    const caller = { kind: "service", environment: "dev.lever", service: "svc" } as const;
    expect(call({ target, caller }).ears.heard).toEqual(["forbidden"]);
  });

  it("keeps a call waiting until an instance is there, oldest first", () => {
    call();
    call();
    expect(demands).toEqual(["svc", "svc"]);
    expect(route.callsWaiting).toBe(2);
    const target = peer("a");
    route.add(target);
    expect(target.calls).toHaveLength(2);
    expect(target.callsInFlight).toBe(2);
    expect(route.callsWaiting).toBe(0);
  });

  it("gives a waiting call to an instance as soon as that has room", () => {
    const target = peer("a");
    route.add(target);
    call();
    call();
    call();
    expect(target.calls).toHaveLength(2);
    target.calls[0]?.events.onMessage(PAYLOAD_JSON, body);
    target.calls[0]?.events.onEnd();
    expect(target.calls).toHaveLength(3);
    expect(target.callsInFlight).toBe(2);
  });

  it("tells a caller how long its call waited, and no caller whose call did not wait", () => {
    const waited = call();
    clock.advance(70);
    route.add(peer("a"));
    expect(waited.ears.waitMs).toBe(70);
    expect(call().ears.waitMs).toBeUndefined();
  });

  it("bounds the calls that wait by count and by bytes", () => {
    call();
    call();
    expect(call().ears.heard).toEqual(["overloaded"]);
    route.refuseWaiting(new LeverError("start_failed", "no"));
    expect(call({ body: new Uint8Array(11) }).ears.heard).toEqual(["overloaded"]);
    expect(call({ body: new Uint8Array(10) }).ears.heard).toEqual([]);
    expect(call({ body: new Uint8Array(1) }).ears.heard).toEqual(["overloaded"]);
  });

  it("ends a call once, whoever ends it first (C1), and counts it down once (C2)", () => {
    const target = peer("a");
    route.add(target);
    const { ears, side } = call();
    const events = target.calls[0]?.events;
    events?.onFail(PAYLOAD_JSON, body);
    events?.onEnd();
    events?.onAbort(new LeverError("internal", "late"));
    side.abort(new LeverError("cancelled", "late"));
    expect(ears.heard).toEqual(["fail"]);
    expect(target.callsInFlight).toBe(0);
    expect(target.calls[0]?.aborted).toEqual([]);
  });

  it("tells the instance when its caller leaves", () => {
    const target = peer("a");
    route.add(target);
    const { ears, side } = call();
    side.abort(new LeverError("cancelled", "gone"));
    expect(target.calls[0]?.aborted.map(({ code }) => code)).toEqual(["cancelled"]);
    expect(ears.heard).toEqual([]);
    expect(target.callsInFlight).toBe(0);
  });

  it("holds deadlines while a call waits, and afterwards with the time that is left", () => {
    const waiting = call({ timeoutMs: 100 });
    clock.advance(100);
    expect(waiting.ears.heard).toEqual(["deadline_exceeded"]);
    expect(route.callsWaiting).toBe(0);
    const { ears } = call({ timeoutMs: 100 });
    clock.advance(60);
    const target = peer("a");
    route.add(target);
    expect(target.calls[0]?.request.timeoutMs).toBe(40);
    clock.advance(40);
    expect(ears.heard).toEqual(["deadline_exceeded"]);
    expect(target.calls[0]?.aborted.map(({ code }) => code)).toEqual(["deadline_exceeded"]);
  });

  it("gives an instance that leaves no new calls, and lets it finish those it has", () => {
    const target = peer("a");
    route.add(target);
    const { ears } = call();
    route.drain(target);
    call();
    expect(target.calls).toHaveLength(1);
    target.calls[0]?.events.onMessage(PAYLOAD_JSON, body);
    target.calls[0]?.events.onEnd();
    expect(ears.heard).toEqual(["[]", "end"]);
  });

  it("ends the streams of an instance with an error, and leaves its calls", () => {
    const target = peer("a");
    route.live = { ...route.live, methods: ["method", "echoChan"] };
    route.add(target);
    const stream = call({ isStream: true }, "svc/echoChan");
    const regular = call();
    endStreams(target, new LeverError("unavailable", "over"));
    expect([stream.ears.heard, regular.ears.heard]).toEqual([["unavailable"], []]);
    expect(target.calls[0]?.aborted.map(({ code }) => code)).toEqual(["unavailable"]);
    expect([target.callsInFlight, target.streamsInFlight]).toEqual([1, 0]);
    expect(target.openStreams?.size).toBe(0);
  });

  it.each([
    ["the output of a service to a caller who may see it", LOG_READER, "It failed: secret"],
    ["no output of a service to another caller", OUTSIDE, "It failed"],
    ["no output of a service to a service", service, "It failed"],
  ])("passes on %s", (_, caller, message) => {
    const error = new LeverError("instance_failed", "It failed: secret", {
      publicMessage: "It failed",
    });
    const { ears } = call({ caller });
    route.refuseWaiting(error);
    expect(ears.reason).toBe(message);
    const target = peer("a");
    route.add(target);
    const taken = call({ caller });
    target.calls[0]?.events.onAbort(error);
    expect(taken.ears.reason).toBe(message);
  });
});

it("a router that closes refuses calls from outside, and takes those of services", () => {
  route.add(peer("a"));
  router.close();
  const caller = { kind: "service", environment: "dev.lever", service: "svc" } as const;
  expect(call().ears.heard).toEqual(["unavailable"]);
  expect(call({ caller }).ears.heard).toEqual([]);
});
