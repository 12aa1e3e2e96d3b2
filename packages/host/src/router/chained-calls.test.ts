import {
  type CallListener,
  type CallRequest,
  closedSide,
  defaultLimits,
  ignoredEvents,
  type LeverError,
  type LinkedSide,
  OUTSIDE,
  PAYLOAD_JSON,
} from "@leveros/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../../../tests/harness/virtual-clock.ts";
import { type ChainLink, isChainLink } from "./chain-link.ts";
import type { InstanceTarget } from "./instance-target.ts";
import { Router } from "./router.ts";
import { serveInstanceCalls } from "./serve-instance-calls.ts";
import type { ServiceRoute } from "./service-route.ts";

const body = new TextEncoder().encode("[]");
const limits = { ...defaultLimits, callsPerInstanceMax: 4, callDepthMax: 6 };
const environment = "dev.lever";

/** A call or hook that an instance has. */
interface Held {
  readonly request: CallRequest;
  readonly events: CallListener & ChainLink;
}

let router: Router;
let routes: Record<"a" | "b", ServiceRoute>;

/** An instance that holds what it gets, and ends it when told to. */
function instance(name: string): InstanceTarget & { readonly held: Held[] } {
  const held: Held[] = [];
  return {
    instance: name,
    version: 1,
    callsInFlight: 0,
    streamsInFlight: 0,
    held,
    callee: {
      open(request, events) {
        if (isChainLink(events)) held.push({ request, events });
        return closedSide;
      },
    },
  };
}

/** Calls a method of a service, or of a resource of it. Returns the code and the text of a refusal. */
function call(url: string, parentCall?: ChainLink): { refusal?: LeverError } {
  const [service = "", resource = ""] = url.split("/");
  const answer: { refusal?: LeverError } = {};
  const events: CallListener = {
    ...ignoredEvents,
    onAbort(error) {
      answer.refusal = error;
    },
  };
  const target = { environment, service, resource, method: "method" };
  const request = { target, caller: OUTSIDE, isStream: false, timeoutMs: 0, parentCall } as const;
  router.open({ ...request, kind: PAYLOAD_JSON, body }, events, false);
  return answer;
}

function held(of: { readonly held: Held[] }, index: number): Held {
  const found = of.held.at(index);
  if (found === undefined) throw new Error("The instance has no such call.");
  return found;
}

beforeEach(() => {
  let epoch = 0;
  router = new Router({ limits, clock: new VirtualClock(), nextEpoch: () => ++epoch });
  router.setEnvironment(environment, {
    corsOrigins: new Set(),
    kind: "services",
    isPublic: true,
  });
  const live = { version: 1, isPrivate: false, methods: ["method"] };
  const route = (service: string): ServiceRoute => {
    const made = router.setService(environment, service, live);
    made.capacity = { callsPerInstanceTarget: 1, scaleUpAbove: 1, canScaleUp: false };
    return made;
  };
  routes = { a: route("a"), b: route("b") };
});

describe("a call in the course of another", () => {
  it("does not wait for a place, while calls from outside do", () => {
    const one = instance("one");
    routes.a.add(one);
    call("a");
    call("a");
    expect([one.held.length, routes.a.callsWaiting]).toEqual([1, 1]);
    call("a", held(one, 0).events);
    expect([one.held.length, routes.a.callsWaiting]).toEqual([2, 1]);
  });

  it("gets through a chain of services that all are full", () => {
    const [one, other] = [instance("one"), instance("other")];
    routes.a.add(one);
    routes.b.add(other);
    call("a");
    call("b", held(one, 0).events);
    call("a", held(other, 0).events);
    call("b", held(one, 1).events);
    expect([one.held.length, other.held.length]).toEqual([2, 2]);
    expect(held(other, 1).events.depth).toBe(4);
  });

  it("waits for an instance to start, before calls from outside", () => {
    const one = instance("one");
    routes.b.add(one);
    call("b");
    call("a");
    call("a", held(one, 0).events);
    const started = instance("started");
    routes.a.add(started);
    expect(held(started, 0).events.depth).toBe(2);
    expect([started.held.length, routes.a.callsWaiting]).toEqual([1, 1]);
  });

  it("is refused at once when every instance has callsPerInstanceMax calls", () => {
    const one = instance("one");
    routes.a.add(one);
    call("a");
    for (let i = 0; i < 3; i++) call("a", held(one, 0).events);
    const { refusal } = call("a", held(one, 0).events);
    expect(refusal?.code).toBe("overloaded");
    expect(refusal?.message).toContain("each instance of a has 4 calls");
  });

  it("is refused at once at a depth of callDepthMax", () => {
    const targets = [instance("one"), instance("two")];
    for (const target of targets) routes.a.add(target);
    call("a");
    const deepest = (): ChainLink =>
      targets.flatMap((of) => of.held).reduce((a, b) => (a.events.depth > b.events.depth ? a : b))
        .events;
    for (let depth = 2; depth <= 6; depth++) expect(call("a", deepest()).refusal).toBeUndefined();
    const { refusal } = call("a", deepest());
    expect(refusal?.code).toBe("overloaded");
    expect(refusal?.message).toContain("6 are allowed (callDepthMax)");
  });
});

describe("a call to a resource in the course of another", () => {
  it("reaches its draining owner only in the course of a call that the owner has", () => {
    const [one, other] = [instance("one"), instance("other")];
    routes.a.add(one);
    routes.b.add(other);
    call("a/r");
    held(one, 0).events.onEnd();
    call("b", held(one, 1).events);
    call("b");
    routes.a.drain(one);
    const before = one.held.length;
    call("a/r", held(other, 0).events);
    expect(one.held.length).toBe(before + 1);
    call("a/r");
    other.held[0]?.events.onEnd();
    call("a/r", held(other, 1).events);
    expect([one.held.length, routes.a.callsWaiting]).toEqual([before + 1, 2]);
  });

  it.each([
    ["newResource", 0],
    ["closeResource", 2],
  ])("is refused in the course of its own %s", (hook, index) => {
    const one = instance("one");
    routes.a.add(one);
    call("a/r");
    if (index > 0) {
      held(one, 0).events.onEnd();
      routes.a.drain(one);
      held(one, 1).events.onEnd();
    }
    expect(held(one, index).request.target.method).toBe(hook);
    const { refusal } = call("a/r", held(one, index).events);
    expect(refusal?.code).toBe("resource_failed");
    expect(refusal?.message).toContain(`in the course of its ${hook}`);
  });

  it("is refused when its owner, which stops, first ends the call that makes it", () => {
    const one = instance("one");
    routes.a.add(one);
    call("a/r");
    held(one, 0).events.onEnd();
    routes.a.stopping(one);
    expect(call("a/r", held(one, 1).events).refusal?.code).toBe("unavailable");
    expect(call("a/r").refusal).toBeUndefined();
  });

  it("counts what newResource calls as made in the course of the call that waits for it", () => {
    const one = instance("one");
    routes.a.add(one);
    call("a");
    call("a/r", held(one, 0).events);
    expect(held(one, 1).request.target.method).toBe("newResource");
    expect(held(one, 1).events.depth).toBe(3);
    call("a", held(one, 1).events);
    expect([held(one, 2).events.depth, routes.a.callsWaiting]).toEqual([4, 1]);
  });
});

describe("a call that an instance makes", () => {
  const side = { ...closedSide, id: 1, sendAssigned() {} } satisfies LinkedSide;
  let parents: (ChainLink | undefined)[];
  const serve = serveInstanceCalls({
    target: {
      open(request) {
        parents.push(request.parentCall);
        return closedSide;
      },
    },
    limits,
    log: () => {},
  });
  const link = (depth: number): CallListener & ChainLink => ({
    number: 0,
    root: 0,
    isSampled: false,
    trace: undefined,
    ...ignoredEvents,
    depth,
    parent: undefined,
    isOn: () => true,
    usesOwnership: () => undefined,
  });
  const listeners = [link(1), link(3), link(2)];
  const openCalls = { listenerOf: (id: number) => listeners[id], listeners: () => listeners };
  const ask = (parent: number | undefined, calls = openCalls): void => {
    const target = { environment, service: "a", resource: "", method: "method" };
    const asked = { caller: OUTSIDE, target, isStream: false, timeoutMs: 0, body, parent } as const;
    serve({ environment, service: "a" }, { ...asked, kind: PAYLOAD_JSON }, side, calls);
  };

  beforeEach(() => {
    parents = [];
  });

  it("has the parent that it names, if the instance has that call", () => {
    ask(2);
    expect(parents).toEqual([listeners[2]]);
  });

  it("has the deepest call of the instance as its parent if it names none, or another", () => {
    ask(undefined);
    ask(77);
    expect(parents).toEqual([listeners[1], listeners[1]]);
  });

  it("has no parent if the instance has no call", () => {
    ask(2, { listenerOf: () => undefined, listeners: () => [] });
    expect(parents).toEqual([undefined]);
  });
});
