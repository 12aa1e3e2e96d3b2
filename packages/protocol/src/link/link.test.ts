import { describe, expect, it } from "vitest";
import {
  Joined,
  json,
  pattern,
  RecordedEvents,
  type Served,
  sameBytes,
} from "../../../../tests/harness/joined-links.ts";
import { seededRandom } from "../../../../tests/harness/seeded-random.ts";
import {
  type CallHandle,
  type CallRequest,
  OUTSIDE,
  PAYLOAD_BYTES,
  PAYLOAD_JSON,
} from "../call.ts";
import { LeverError } from "../errors.ts";
import { CREDIT, encodeCredit, HEADER_BYTES, writeHeader } from "./frame.ts";
import { Link } from "./link.ts";
import type { LinkedSide } from "./link-options.ts";

const decoder = new TextDecoder();

describe("a regular call", () => {
  it("a regular call carries its request and its reply", () => {
    const joined = new Joined();
    joined.onServed = ({ side }) => side.send(PAYLOAD_JSON, json("Hello"), true);
    const call = joined.open({
      resource: "ä/b",
      method: "grüße",
      timeoutMs: 1_234,
      body: json([1]),
    });
    joined.run();
    const { request, events } = joined.served[0] as Served;
    expect(request).toMatchObject({
      caller: OUTSIDE,
      target: { environment: "dev.lever", service: "svc", resource: "ä/b", method: "grüße" },
      timeoutMs: 1_234,
      isStream: false,
    });
    expect(decoder.decode(request.body)).toBe("[1]");
    expect(events.received).toEqual(["end"]);
    expect(call.events.received).toEqual(['"Hello"', "end"]);
    expect([joined.host.callsOpen, joined.instance.callsOpen]).toEqual([0, 0]);
  });

  it.each([0, 1, 65_535, 65_536, 65_537, 1_000_000, 4 * 1024 * 1024])(
    "a regular call carries %i bytes in both directions",
    (size) => {
      const joined = new Joined(size);
      const body = pattern(size, 3);
      joined.onServed = ({ side, request }) => side.send(PAYLOAD_BYTES, request.body.slice(), true);
      const call = joined.open({ kind: PAYLOAD_BYTES, body });
      joined.run();
      expect(sameBytes(joined.served[0]?.request.body, body)).toBe(true);
      expect(sameBytes(call.events.messages[0], body)).toBe(true);
      expect(call.events.endings).toBe(1);
      expect([joined.host.callsOpen, joined.instance.callsOpen]).toEqual([0, 0]);
    },
  );

  it("a small call passes while a large one is being sent (L1)", () => {
    const joined = new Joined();
    joined.onServed = ({ side, request }) =>
      side.send(PAYLOAD_JSON, json(request.target.method), true);
    const large = joined.open({
      method: "large",
      kind: PAYLOAD_BYTES,
      body: new Uint8Array(8_000_000),
    });
    const small = joined.open({ method: "small" });
    let largeWasOpen = false;
    joined.run(() => {
      if (small.events.endings === 1 && large.events.endings === 0) largeWasOpen = true;
    });
    expect(largeWasOpen).toBe(true);
    expect(large.events.received).toEqual(['"large"', "end"]);
  });

  it("a call can fail with a value, and can be aborted from either side", () => {
    const joined = new Joined();
    joined.onServed = ({ side, request }) => {
      if (request.target.method === "fails") side.fail(PAYLOAD_JSON, json({ a: 1 }));
      if (request.target.method === "aborts") side.abort(new LeverError("too_large", "no"));
    };
    const fails = joined.open({ method: "fails" });
    const aborts = joined.open({ method: "aborts" });
    const cancels = joined.open({ method: "cancels" });
    joined.run();
    cancels.side.abort(new LeverError("cancelled", "gone"));
    joined.run();
    expect(fails.events.received).toEqual(['fail {"a":1}']);
    expect(aborts.events.received).toEqual(["abort too_large"]);
    expect(cancels.events.received).toEqual([]);
    expect(joined.served[2]?.events.received).toEqual(["end", "abort cancelled"]);
    expect([joined.host.callsOpen, joined.instance.callsOpen]).toEqual([0, 0]);
  });
});

describe("a stream", () => {
  it("a stream half-closes in either order", () => {
    for (const callerFirst of [true, false]) {
      const joined = new Joined();
      const call = joined.open({}, true);
      joined.run();
      const { side, events } = joined.served[0] as Served;
      const [first, second] = callerFirst ? [call.side, side] : [side, call.side];
      first.send(PAYLOAD_JSON, json(1));
      first.end();
      joined.run();
      second.send(PAYLOAD_JSON, json(2));
      second.end();
      joined.run();
      expect(call.events.received).toEqual([callerFirst ? "2" : "1", "end"]);
      expect(events.received).toEqual([callerFirst ? "1" : "2", "end"]);
      expect([joined.host.callsOpen, joined.instance.callsOpen]).toEqual([0, 0]);
    }
  });

  it.each([
    ["messages of a part of a chunk", 10_000],
    ["messages of a chunk and a byte", 64 * 1024 + 1],
  ])("a stream buffers at most its window of unread bytes: %s (L2)", (_, size) => {
    const joined = new Joined();
    const call = joined.open({}, true);
    joined.run();
    const { side, events } = joined.served[0] as Served;
    side.pause();
    let sent = 0;
    while (call.side.send(PAYLOAD_BYTES, pattern(size, 0)) && sent < 10_000) sent++;
    for (let i = 0; i < 100; i++) call.side.send(PAYLOAD_BYTES, pattern(size, 0));
    joined.run();
    expect(events.messages.length * size).toBeLessThanOrEqual(256 * 1024 + size);
    let drains = 0;
    call.events.onDrained = () => drains++;
    side.resume();
    joined.run();
    expect(drains).toBeGreaterThan(0);
    expect(events.messages).toHaveLength(sent + 101);
  });

  it("messages of a stream arrive complete, in order and once, in any timing", () => {
    for (let seed = 1; seed <= 60; seed++) playStreams(seed);
  });
});

/** Several streams at once, in both directions, with consumers that pause at random. */
function playStreams(seed: number): void {
  const random = seededRandom(seed * 7_919);
  const joined = new Joined(seed);
  const calls = Array.from({ length: 4 }, () => joined.open({}, true));
  joined.run();
  const plans = calls.flatMap((call, index) => {
    const { side, events } = joined.served[index] as Served;
    const plan = (from: CallHandle, to: RecordedEvents, toSide: CallHandle, number: number) => ({
      from,
      to,
      toSide,
      unsent: Array.from({ length: Math.floor(random() * 12) }, (_, step) =>
        pattern(Math.floor(random() ** 4 * 600_000), number * 100 + step),
      ),
      sent: [] as Uint8Array[],
    });
    return [plan(call.side, events, side, index), plan(side, call.events, call.side, index + 50)];
  });
  for (let step = 0; step < 200; step++) {
    const plan = plans[Math.floor(random() * plans.length)];
    if (plan === undefined) continue;
    const message = plan.unsent.shift();
    if (message !== undefined) {
      plan.sent.push(message);
      plan.from.send(PAYLOAD_BYTES, message);
    }
    if (random() < 0.3) plan.toSide.pause();
    if (random() < 0.3) plan.toSide.resume();
    if (random() < 0.2) joined.run();
  }
  for (const plan of plans) {
    for (const message of plan.unsent.splice(0)) {
      plan.sent.push(message);
      plan.from.send(PAYLOAD_BYTES, message);
    }
    plan.from.end();
    plan.toSide.resume();
  }
  joined.run();
  for (const plan of plans) {
    expect(plan.to.messages.length, `seed ${seed}`).toBe(plan.sent.length);
    for (const [index, message] of plan.sent.entries()) {
      expect(sameBytes(plan.to.messages[index], message), `seed ${seed}`).toBe(true);
    }
    expect(plan.to.endings, `seed ${seed}`).toBe(1);
  }
  expect([joined.host.callsOpen, joined.instance.callsOpen], `seed ${seed}`).toEqual([0, 0]);
}

describe("a link", () => {
  it("a link that closes aborts every open call exactly once (L3)", () => {
    const joined = new Joined();
    const calls = [joined.open({}, true), joined.open(), joined.open({}, true)];
    joined.run();
    joined.host.close(new LeverError("unavailable", "gone"));
    joined.host.close(new LeverError("internal", "again"));
    for (const { side, events } of calls) {
      side.send(PAYLOAD_JSON, json(1));
      side.end();
      expect(events.received).toEqual(["abort unavailable"]);
    }
  });

  it("a link refuses calls over its limit, and continues with the others", () => {
    const joined = new Joined(1, { callsMax: 2 });
    const calls = [joined.open(), joined.open(), joined.open()];
    joined.run();
    expect(calls.map(({ events }) => events.received)).toEqual([[], [], ["abort overloaded"]]);
    joined.served[0]?.side.send(PAYLOAD_JSON, json(1), true);
    joined.run();
    joined.open();
    joined.run();
    expect(joined.served).toHaveLength(3);
  });

  it("a link refuses a message over its limit, in either direction", () => {
    const joined = new Joined(1, { messageBytesMax: 100_000 });
    const tooLarge = joined.open({ kind: PAYLOAD_BYTES, body: new Uint8Array(200_000) });
    joined.run();
    expect(tooLarge.events.received).toEqual(["abort too_large"]);
    expect(joined.served).toHaveLength(0);
    const call = joined.open();
    joined.run();
    joined.served[0]?.side.send(PAYLOAD_BYTES, new Uint8Array(200_000), true);
    joined.run();
    expect(call.events.received).toEqual(["abort too_large"]);
    expect([joined.host.callsOpen, joined.instance.callsOpen]).toEqual([0, 0]);
  });

  it("a link responds to pings", () => {
    const joined = new Joined();
    let pongs = 0;
    joined.host.ping(() => pongs++);
    joined.run();
    expect(pongs).toBe(1);
  });

  it("a caller that got credit while the transport was full is told when it has drained", () => {
    const scheduled: (() => void)[] = [];
    let accepts = true;
    const link = new Link({
      side: "listener",
      messageBytesMax: 100_000,
      callsMax: 10,
      write: () => accepts,
      schedule: (flush) => scheduled.push(flush),
      onCall: () => new RecordedEvents(),
      onControl() {},
    });
    const events = new RecordedEvents();
    let drains = 0;
    events.onDrained = () => drains++;
    const side = openStream(link, events);
    while (side.send(PAYLOAD_BYTES, pattern(60_000, 1)));
    accepts = false;
    for (const flush of scheduled.splice(0)) flush();
    const credit = new Uint8Array(HEADER_BYTES + 4);
    writeHeader(new DataView(credit.buffer), 0, 4, CREDIT, 0, 0, side.id);
    credit.set(encodeCredit(200_000), HEADER_BYTES);
    link.receive(credit);
    expect(drains).toBe(0);
    link.drained();
    expect(drains).toBe(1);
  });

  it("a call that its caller leaves before the link reports its end gets no event", async () => {
    const joined = new Joined();
    joined.host.close(new LeverError("unavailable", "gone"));
    const { side, events } = joined.open();
    side.abort(new LeverError("cancelled", "left"));
    await undefined;
    expect(events.received).toEqual([]);
  });
});

function openStream(link: Link, events: RecordedEvents): LinkedSide {
  const request: CallRequest = {
    caller: OUTSIDE,
    target: { environment: "dev.lever", service: "svc", resource: "", method: "chan" },
    isStream: true,
    timeoutMs: 0,
    kind: PAYLOAD_JSON,
    body: json([]),
  };
  return link.open(request, events, true);
}
