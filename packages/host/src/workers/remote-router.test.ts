import {
  type CallListener,
  type CallRequest,
  type CallTarget,
  closedSide,
  defaultLimits,
  ignoredEvents,
  LeverError,
  Link,
  OUTSIDE,
  PAYLOAD_BYTES,
  PAYLOAD_JSON,
  type WaitTimes,
} from "@leveros/protocol";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../../tests/harness/virtual-clock.ts";
import type { CallHead } from "../router/call.ts";
import { forwardCall } from "../router/forward-call.ts";
import { Router } from "../router/router.ts";
import { RemoteRouter } from "./remote-router.ts";

/** A worker's router, whose calls go over a link in memory to a stand-in for the host's router. */
function join(open: CallTarget["open"]): { worker: RemoteRouter; links: readonly Link[] } {
  const options = { messageBytesMax: 1e6, callsMax: 100, schedule: setImmediate, onControl() {} };
  const write =
    (to: () => Link) =>
    (parts: readonly Uint8Array[]): boolean => {
      for (const part of parts) to().receive(part);
      return true;
    };
  const host: Link = new Link({
    ...options,
    side: "listener",
    write: write(() => end),
    onCall: (request, side) =>
      forwardCall(request, side, { target: { open }, isTrusted: true, log() {} }),
  });
  const end: Link = new Link({
    ...options,
    side: "dialler",
    write: write(() => host),
    onCall: () => ignoredEvents,
  });
  return { worker: new RemoteRouter(end), links: [host, end] };
}

const target = { environment: "dev.lever", service: "svc", resource: "", method: "m" };
const bytes = (text: string): Buffer => Buffer.from(text);
const regular: CallRequest = {
  caller: OUTSIDE,
  target,
  isStream: false,
  timeoutMs: 1_000,
  kind: PAYLOAD_JSON,
  body: bytes("[1]"),
  number: 2 ** 40 + 1,
  isSampled: true,
};
const stream: CallRequest = { ...regular, isStream: true };

/** The events of a caller, in order. */
class RecordedEvents implements CallListener {
  readonly events: string[] = [];

  onAssigned({ waitMs }: WaitTimes): void {
    this.events.push(`waited ${waitMs}`);
  }
  onMessage(_kind: number, payload: Uint8Array): void {
    this.events.push(`${Buffer.from(payload)}`);
  }
  onEnd(): void {
    this.events.push("end");
  }
  onFail(kind: number, payload: Uint8Array): void {
    this.events.push(`fail ${kind} ${Buffer.from(payload)}`);
  }
  onAbort(error: LeverError): void {
    this.events.push(`${error.code} ${error.message} ${error.retryAfterSeconds}`);
  }
  onDrain(): void {
    this.events.push("drain");
  }
}

async function settle(): Promise<void> {
  for (let count = 0; count < 20; count++) await new Promise(setImmediate);
}

it.each([
  OUTSIDE,
  { kind: "admin", principal: "local" },
  { kind: "service", environment: "a b", service: "\u{1F600}" },
] as const)("a call arrives as it was made, by the caller %j", async (caller) => {
  const requests: CallRequest[] = [];
  const { worker, links } = join((request, events) => {
    requests.push(request);
    setImmediate(() => {
      events.onMessage(PAYLOAD_JSON, bytes("2"));
      events.onEnd();
    });
    return closedSide;
  });
  const recorded = new RecordedEvents();
  worker.open({ ...regular, caller }, recorded, false);
  await settle();
  expect(requests).toEqual([{ ...regular, caller, body: new Uint8Array(bytes("[1]")) }]);
  expect(recorded.events).toEqual(["2", "end"]);
  expect(links.map(({ callsOpen }) => callsOpen)).toEqual([0, 0]);
});

it.each([
  ["regular call", regular],
  ["stream", stream],
])("the caller of a %s learns how long it waited before the first message", async (_name, call) => {
  const { worker } = join((_request, events) => {
    events.onAssigned?.({ waitMs: 7, start: undefined });
    events.onMessage(PAYLOAD_JSON, bytes("2"));
    events.onEnd();
    return closedSide;
  });
  const recorded = new RecordedEvents();
  worker.open(call, recorded, call.isStream);
  await settle();
  expect(recorded.events).toEqual(["waited 7", "2", "end"]);
});

it.each<[string, CallTarget["open"], string]>([
  [
    "a refusal",
    (_request, events) => {
      events.onAbort(new LeverError("overloaded", "Full.", { retryAfterSeconds: 3 }));
      return closedSide;
    },
    "overloaded Full. 3",
  ],
  [
    "an error value",
    (_request, events) => {
      events.onFail(PAYLOAD_BYTES, bytes("no"));
      return closedSide;
    },
    `fail ${PAYLOAD_BYTES} no`,
  ],
  [
    "a fault of the router, without its text,",
    () => {
      throw new Error("oh");
    },
    "internal Cannot carry the call: Lever failed. Its log has the reason. undefined",
  ],
])("%s reaches the caller", async (_name, open, expected) => {
  const { worker, links } = join(open);
  const recorded = new RecordedEvents();
  worker.open(regular, recorded, false);
  await settle();
  expect(recorded.events).toEqual([expected]);
  expect(links.map(({ callsOpen }) => callsOpen)).toEqual([0, 0]);
});

it("a name that is too long for the link is refused", () => {
  const { worker } = join(() => closedSide);
  const recorded = new RecordedEvents();
  worker.open({ ...regular, target: { ...target, service: "é".repeat(10_000) } }, recorded, false);
  expect(recorded.events).toHaveLength(1);
  expect(recorded.events[0]).toMatch(/^malformed_request .*16384/);
});

it("the error of a caller that cancels reaches the router", async () => {
  const errors: LeverError[] = [];
  const { worker, links } = join(() => ({ ...closedSide, abort: (error) => errors.push(error) }));
  const call = worker.open(stream, new RecordedEvents(), true);
  await settle();
  call.abort(new LeverError("too_large", "A line is too long."));
  await settle();
  expect(errors).toMatchObject([{ code: "too_large", message: "A line is too long." }]);
  expect(links.map(({ callsOpen }) => callsOpen)).toEqual([0, 0]);
});

it("a stream is sent no faster than the router takes it, and over when its service ends it", async () => {
  const taken: string[] = [];
  let router: CallListener | undefined;
  let isHeld = true;
  const { worker, links } = join((_request, events) => {
    router = events;
    return {
      ...closedSide,
      send(_kind, payload) {
        taken.push(`${payload.length}`);
        return !isHeld;
      },
    };
  });
  const recorded = new RecordedEvents();
  const call = worker.open(stream, recorded, true);
  let sent = 0;
  while (call.send(PAYLOAD_BYTES, Buffer.alloc(10_000))) {
    sent++;
    await settle();
  }
  expect(sent).toBeLessThan(60);
  isHeld = false;
  router?.onDrain();
  await settle();
  expect(recorded.events).toEqual(["drain"]);
  isHeld = true;
  while (call.send(PAYLOAD_BYTES, Buffer.alloc(10_000))) await settle();
  call.send(PAYLOAD_BYTES, Buffer.alloc(500_000));
  // A call that is over takes everything.
  isHeld = false;
  router?.onMessage(PAYLOAD_JSON, bytes("last"));
  router?.onEnd();
  await settle();
  expect(recorded.events).toContain("last");
  expect(recorded.events.at(-1)).toBe("end");
  expect(links.map(({ callsOpen }) => callsOpen)).toEqual([0, 0]);
});

describe("a worker refuses by the head of a call what its host would refuse", () => {
  const host = new Router({ limits: defaultLimits, clock: new VirtualClock(), nextEpoch: () => 1 });
  const { worker } = join(() => closedSide);
  host.accessChanged.add(({ environment, access }) => worker.setEnvironment(environment, access));
  host.serviceChanged.add(({ environment, service, live }) =>
    worker.setService(environment, service, live),
  );
  const access = { corsOrigins: new Set<string>(), kind: "services", isPublic: false } as const;
  const methods = ["m", "echoChan", "fetch"];
  for (const environment of ["dev.lever", "gone.lever"]) {
    host.setEnvironment(environment, access);
    host.setService(environment, "svc", { version: 1, isPrivate: false, methods });
  }
  host.setService("dev.lever", "hidden", { version: 1, isPrivate: true, methods });
  host.setService("dev.lever", "program", { version: 1, isPrivate: false, methods: undefined });
  host.setService("dev.lever", "removed", { version: 1, isPrivate: false, methods });
  host.setService("dev.lever", "changed", { version: 1, isPrivate: false, methods });
  host.setService("dev.lever", "changed", { version: 2, isPrivate: false, methods: ["new"] });
  host.removeService("dev.lever", "removed");
  host.removeEnvironment("gone.lever");
  host.setEnvironment("gone.lever", access);

  it.each<[string, Partial<CallHead["target"]>, string | undefined, boolean?]>([
    ["a method", {}, undefined],
    ["a streaming method", { method: "echoChan" }, undefined, true],
    ["a request for its fetch", { method: "fetch" }, undefined, true],
    ["a method of a program", { service: "program", method: "any" }, undefined],
    ["a method of the new version", { service: "changed", method: "new" }, undefined],
    ["a method of the old version", { service: "changed" }, "unknown_method"],
    ["an unknown environment", { environment: "none.lever" }, "unknown_environment"],
    ["a service that never was", { service: "none" }, "unknown_service"],
    ["a removed service", { service: "removed" }, "unknown_service"],
    ["a service of a removed environment", { environment: "gone.lever" }, "unknown_service"],
    ["a private service", { service: "hidden" }, "private_service"],
    ["an unknown method", { method: "none" }, "unknown_method"],
    ["a hidden method of a program", { service: "program", method: "_m" }, "unknown_method"],
    ["a method of the other kind", { method: "echoChan" }, "wrong_method_kind"],
  ])("%s", (_name, named, code, isStream = false) => {
    const head = { caller: OUTSIDE, target: { ...target, ...named }, isStream };
    expect(worker.refusal(head)).toEqual(host.refusal(head));
    expect(worker.refusal(head)?.code).toBe(code);
  });

  it("a call while the host is stopping", () => {
    host.close();
    worker.close();
    const head = { caller: OUTSIDE, target, isStream: false };
    expect(worker.refusal(head)).toEqual(host.refusal(head));
    expect(worker.refusal(head)?.code).toBe("unavailable");
  });
});
