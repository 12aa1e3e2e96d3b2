import {
  type CallListener,
  closedSide,
  ignoredEvents,
  LeverError,
  Link,
  type LinkedSide,
  PAYLOAD_BYTES,
  PAYLOAD_JSON,
} from "@leveros/protocol";
import { expect, it } from "vitest";
import { type CallRequest, type OpenCall, OUTSIDE } from "../router/router.ts";
import type { WorkerCommand } from "./messages.ts";
import { RemoteRouter } from "./remote-router.ts";
import { routeWorkerCall } from "./worker-call.ts";

type RouterCall = (request: CallRequest, events: CallListener) => OpenCall;

/** A worker's router, whose calls go over a link in memory to what stands for the host's. */
function join(call: RouterCall): { worker: RemoteRouter; links: readonly Link[] } {
  const options = { messageBytesMax: 1e6, callsMax: 100, schedule: setImmediate };
  const onCall = (opening: Parameters<typeof routeWorkerCall>[0], side: LinkedSide): CallListener =>
    routeWorkerCall(opening, side, {
      router: { call },
      sendWaitTimes: (id, waitTimes) =>
        host.control({ type: "waitTimes", call: id, waitTimes } satisfies WorkerCommand),
      asLeverError: (error) => new LeverError("internal", String(error)),
    });
  const write =
    (to: () => Link) =>
    (parts: readonly Uint8Array[]): boolean => {
      for (const part of parts) to().receive(part);
      return true;
    };
  const host: Link = new Link({
    ...options,
    side: "host",
    write: write(() => end),
    onCall,
    onControl() {},
  });
  const end: Link = new Link({
    ...options,
    side: "instance",
    write: write(() => host),
    onCall: () => ignoredEvents,
    onControl(message) {
      const told = message as WorkerCommand;
      if (told.type === "waitTimes") worker.setWaitTimes(told.call, told.waitTimes);
    },
  });
  const worker = new RemoteRouter(end);
  return { worker, links: [host, end] };
}

const url = { environment: "dev.lever", service: "svc", resource: "", method: "m" };
const bytes = (text: string): Buffer => Buffer.from(text);
const regular: CallRequest = {
  url,
  caller: OUTSIDE,
  isStream: false,
  timeoutMs: 1_000,
  kind: PAYLOAD_JSON,
  body: bytes("[1]"),
  hasMore: false,
};
const stream: CallRequest = { ...regular, isStream: true, hasMore: true };
const placed: OpenCall = { ...closedSide, waitTimes: undefined };

/** What a caller hears, in order. */
class Ears implements CallListener {
  readonly heard: string[] = [];
  call: OpenCall | undefined;

  onMessage(_kind: number, payload: Uint8Array): void {
    this.heard.push(`${Buffer.from(payload)} after ${this.call?.waitTimes?.waitMs}`);
  }
  onEnd(): void {
    this.heard.push("end");
  }
  onFail(kind: number, payload: Uint8Array): void {
    this.heard.push(`fail ${kind} ${Buffer.from(payload)}`);
  }
  onAbort(error: LeverError): void {
    this.heard.push(`${error.code} ${error.message} ${error.retryAfterSeconds}`);
  }
  onDrain(): void {
    this.heard.push("drain");
  }
}

async function settle(): Promise<void> {
  for (let count = 0; count < 20; count++) await new Promise(setImmediate);
}

it("a call arrives as it was made, and its answer after what it waited for", async () => {
  const requests: CallRequest[] = [];
  const { worker, links } = join((request, events) => {
    requests.push(request);
    const call = { ...placed, waitTimes: { waitMs: 7, start: undefined } };
    setImmediate(() => {
      events.onMessage(PAYLOAD_JSON, bytes("2"));
      events.onEnd();
    });
    return call;
  });
  const ears = new Ears();
  ears.call = worker.call({ ...regular, caller: { environment: "", service: "local" } }, ears);
  await settle();
  expect(requests).toEqual([
    {
      ...regular,
      caller: { environment: "", service: "local" },
      body: new Uint8Array(bytes("[1]")),
    },
  ]);
  expect(ears.heard).toEqual(["2 after 7", "end"]);
  expect(links.map(({ callsOpen }) => callsOpen)).toEqual([0, 0]);
});

it.each<[string, RouterCall, string]>([
  [
    "a refusal",
    (_request, events) => {
      events.onAbort(new LeverError("overloaded", "Full.", { retryAfterSeconds: 3 }));
      return placed;
    },
    "overloaded Full. 3",
  ],
  [
    "an error value",
    (_request, events) => {
      events.onFail(PAYLOAD_BYTES, bytes("no"));
      return placed;
    },
    `fail ${PAYLOAD_BYTES} no`,
  ],
  [
    "a fault of the router's own",
    () => {
      throw new Error("oh");
    },
    "internal Error: oh undefined",
  ],
])("%s is heard as it is", async (_name, call, expected) => {
  const { worker, links } = join(call);
  const ears = new Ears();
  worker.call(regular, ears);
  await settle();
  expect(ears.heard).toEqual([expected]);
  expect(links.map(({ callsOpen }) => callsOpen)).toEqual([0, 0]);
});

it("a name that is too long for the link is refused", () => {
  const { worker } = join(() => placed);
  const ears = new Ears();
  worker.call({ ...regular, url: { ...url, service: "é".repeat(10_000) } }, ears);
  expect(ears.heard).toHaveLength(1);
  expect(ears.heard[0]).toMatch(/^malformed_request .*16384/);
});

it("why a caller leaves is told to the router", async () => {
  const heard: LeverError[] = [];
  const { worker, links } = join(() => ({ ...placed, abort: (error) => heard.push(error) }));
  const call = worker.call(stream, new Ears());
  await settle();
  call.abort(new LeverError("too_large", "A line is too long."));
  await settle();
  expect(heard).toMatchObject([{ code: "too_large", message: "A line is too long." }]);
  expect(links.map(({ callsOpen }) => callsOpen)).toEqual([0, 0]);
});

it("a stream is sent no faster than the router takes it, and over when its service ends it", async () => {
  const taken: string[] = [];
  let router: CallListener | undefined;
  let isHeld = true;
  const { worker, links } = join((_request, events) => {
    router = events;
    return {
      ...placed,
      send(_kind, payload) {
        taken.push(`${payload.length}`);
        return !isHeld;
      },
    };
  });
  const ears = new Ears();
  const call = worker.call(stream, ears);
  let sent = 0;
  while (call.send(PAYLOAD_BYTES, Buffer.alloc(10_000))) {
    sent++;
    await settle();
  }
  expect(sent).toBeLessThan(60);
  isHeld = false;
  router?.onDrain();
  await settle();
  expect(ears.heard).toEqual(["drain"]);
  isHeld = true;
  while (call.send(PAYLOAD_BYTES, Buffer.alloc(10_000))) await settle();
  call.send(PAYLOAD_BYTES, Buffer.alloc(500_000));
  // A call that is over takes everything.
  isHeld = false;
  router?.onMessage(PAYLOAD_JSON, bytes("last"));
  router?.onEnd();
  await settle();
  expect(ears.heard).toContain("last after undefined");
  expect(ears.heard.at(-1)).toBe("end");
  expect(links.map(({ callsOpen }) => callsOpen)).toEqual([0, 0]);
});
