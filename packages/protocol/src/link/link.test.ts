import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../../tests/harness/seeded-random.ts";
import {
  type CallEvents,
  type CallOpening,
  type CallSide,
  PAYLOAD_BYTES,
  PAYLOAD_JSON,
  type PayloadKind,
} from "../call.ts";
import { LeverError } from "../errors.ts";
import { Link } from "./link.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What one side of a call heard, in order. */
class Ears implements CallEvents {
  readonly heard: string[] = [];
  readonly messages: Uint8Array[] = [];
  endings = 0;
  onRoom = (): void => {};

  onMessage(kind: PayloadKind, bytes: Uint8Array): void {
    this.messages.push(bytes);
    this.heard.push(kind === PAYLOAD_BYTES ? `${bytes.length} bytes` : decoder.decode(bytes));
  }
  onEnd(): void {
    this.endings++;
    this.heard.push("end");
  }
  onFail(_kind: PayloadKind, bytes: Uint8Array): void {
    this.endings++;
    this.heard.push(`fail ${decoder.decode(bytes)}`);
  }
  onAbort(error: LeverError): void {
    this.endings++;
    this.heard.push(`abort ${error.code}`);
  }
  onDrain(): void {
    this.onRoom();
  }
}

interface Served {
  readonly opening: CallOpening;
  readonly side: CallSide;
  readonly ears: Ears;
}

/** Two links back to back. What they write waits until `run` delivers it, in pieces and an order that a seed decides. */
class Joined {
  readonly served: Served[] = [];
  readonly host: Link;
  readonly instance: Link;
  onServed: (served: Served) => void = () => {};
  readonly #random: () => number;
  readonly #pipes: { to: () => Link; bytes: Uint8Array[] }[] = [];
  readonly #tasks: (() => void)[] = [];

  constructor(seed = 1, options: { messageBytesMax?: number; callsMax?: number } = {}) {
    this.#random = seededRandom(seed);
    this.host = this.#make("host", () => this.instance, options);
    this.instance = this.#make("instance", () => this.host, options);
  }

  #make(
    side: "host" | "instance",
    to: () => Link,
    {
      messageBytesMax = 8 * 1024 * 1024,
      callsMax = 1_000,
    }: { messageBytesMax?: number; callsMax?: number },
  ): Link {
    const pipe = { to, bytes: [] as Uint8Array[] };
    this.#pipes.push(pipe);
    return new Link({
      side,
      messageBytesMax,
      callsMax,
      // As with a runtime, which reads into one buffer.
      isBorrowed: side === "instance",
      write(parts) {
        // A copy: what a link has written it may not change any more.
        for (const part of parts) pipe.bytes.push(part.slice());
        return true;
      },
      schedule: (flush) => this.#tasks.push(flush),
      onCall: (opening, callSide) => {
        const served = { opening, side: callSide, ears: new Ears() };
        this.served.push(served);
        this.onServed(served);
        return served.ears;
      },
      onControl() {},
    });
  }

  /** Delivers and flushes until nothing is left to do. */
  run(onStep: () => void = () => {}): void {
    for (;;) {
      const pipes = this.#pipes.filter(({ bytes }) => bytes.length > 0);
      const choices = pipes.length + (this.#tasks.length > 0 ? 1 : 0);
      if (choices === 0) return;
      const choice = Math.floor(this.#random() * choices);
      const pipe = pipes[choice];
      if (pipe === undefined) this.#tasks.shift()?.();
      else this.#deliver(pipe);
      onStep();
    }
  }

  #deliver(pipe: { to: () => Link; bytes: Uint8Array[] }): void {
    const first = pipe.bytes[0] ?? new Uint8Array(0);
    const cut = Math.max(1, Math.floor(this.#random() ** 2 * (first.length + 1)));
    const rest = first.subarray(cut);
    if (rest.length > 0) pipe.bytes[0] = rest;
    else pipe.bytes.shift();
    const piece = first.slice(0, cut);
    const to = pipe.to();
    to.receive(piece);
    // What is borrowed is written over.
    if (to === this.instance) piece.fill(0xaa);
  }

  open(changes: Partial<CallOpening> = {}, hasMore = false): { side: CallSide; ears: Ears } {
    const ears = new Ears();
    const opening: CallOpening = {
      environment: "dev.lever",
      service: "svc",
      resource: "",
      method: "method",
      isStream: hasMore,
      timeoutMs: 0,
      kind: PAYLOAD_JSON,
      body: encoder.encode("[]"),
      ...changes,
    };
    return { side: this.host.open(opening, ears, hasMore), ears };
  }
}

const json = (value: unknown): Uint8Array => encoder.encode(JSON.stringify(value));

/** Bytes that differ everywhere, so that none can be lost, doubled or moved without notice. */
function pattern(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 8) * 7 + seed) & 255;
  return bytes;
}

function sameBytes(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && Buffer.compare(a, b) === 0;
}

describe("a regular call", () => {
  it("brings everything that its opening says, and its reply", () => {
    const joined = new Joined();
    joined.onServed = ({ side }) => side.send(PAYLOAD_JSON, json("Hello"), true);
    const call = joined.open({
      resource: "ä/b",
      method: "grüße",
      timeoutMs: 1_234,
      body: json([1]),
    });
    joined.run();
    const { opening, ears } = joined.served[0] as Served;
    expect(opening).toMatchObject({
      environment: "dev.lever",
      service: "svc",
      resource: "ä/b",
      method: "grüße",
      timeoutMs: 1_234,
      isStream: false,
    });
    expect(decoder.decode(opening.body)).toBe("[1]");
    expect(ears.heard).toEqual(["end"]);
    expect(call.ears.heard).toEqual(['"Hello"', "end"]);
    expect([joined.host.callsOpen, joined.instance.callsOpen]).toEqual([0, 0]);
  });

  it.each([0, 1, 65_535, 65_536, 65_537, 1_000_000, 4 * 1024 * 1024])(
    "carries %i bytes both ways",
    (size) => {
      const joined = new Joined(size);
      const body = pattern(size, 3);
      joined.onServed = ({ side, opening }) => side.send(PAYLOAD_BYTES, opening.body.slice(), true);
      const call = joined.open({ kind: PAYLOAD_BYTES, body });
      joined.run();
      expect(sameBytes(joined.served[0]?.opening.body, body)).toBe(true);
      expect(sameBytes(call.ears.messages[0], body)).toBe(true);
      expect(call.ears.endings).toBe(1);
      expect([joined.host.callsOpen, joined.instance.callsOpen]).toEqual([0, 0]);
    },
  );

  it("that is small passes while a large one is being sent (L1)", () => {
    const joined = new Joined();
    joined.onServed = ({ side, opening }) => side.send(PAYLOAD_JSON, json(opening.method), true);
    const large = joined.open({
      method: "large",
      kind: PAYLOAD_BYTES,
      body: new Uint8Array(8_000_000),
    });
    const small = joined.open({ method: "small" });
    let largeWasOpen = false;
    joined.run(() => {
      if (small.ears.endings === 1 && large.ears.endings === 0) largeWasOpen = true;
    });
    expect(largeWasOpen).toBe(true);
    expect(large.ears.heard).toEqual(['"large"', "end"]);
  });

  it("can fail with a value, and be aborted from either side", () => {
    const joined = new Joined();
    joined.onServed = ({ side, opening }) => {
      if (opening.method === "fails") side.fail(PAYLOAD_JSON, json({ a: 1 }));
      if (opening.method === "aborts") side.abort(new LeverError("too_large", "no"));
    };
    const fails = joined.open({ method: "fails" });
    const aborts = joined.open({ method: "aborts" });
    const leaves = joined.open({ method: "leaves" });
    joined.run();
    leaves.side.abort(new LeverError("cancelled", "gone"));
    joined.run();
    expect(fails.ears.heard).toEqual(['fail {"a":1}']);
    expect(aborts.ears.heard).toEqual(["abort too_large"]);
    expect(leaves.ears.heard).toEqual([]);
    expect(joined.served[2]?.ears.heard).toEqual(["end", "abort cancelled"]);
    expect([joined.host.callsOpen, joined.instance.callsOpen]).toEqual([0, 0]);
  });
});

describe("a stream", () => {
  it("half-closes in either order", () => {
    for (const callerFirst of [true, false]) {
      const joined = new Joined();
      const call = joined.open({}, true);
      joined.run();
      const { side, ears } = joined.served[0] as Served;
      const [first, second] = callerFirst ? [call.side, side] : [side, call.side];
      first.send(PAYLOAD_JSON, json(1));
      first.end();
      joined.run();
      second.send(PAYLOAD_JSON, json(2));
      second.end();
      joined.run();
      expect(call.ears.heard).toEqual([callerFirst ? "2" : "1", "end"]);
      expect(ears.heard).toEqual([callerFirst ? "1" : "2", "end"]);
      expect([joined.host.callsOpen, joined.instance.callsOpen]).toEqual([0, 0]);
    }
  });

  it.each([
    ["a part of a chunk each", 10_000],
    ["a chunk and a byte each", 64 * 1024 + 1],
  ])("holds no more unread bytes than its window, whatever its sender does: %s (L2)", (_, size) => {
    const joined = new Joined();
    const call = joined.open({}, true);
    joined.run();
    const { side, ears } = joined.served[0] as Served;
    side.pause();
    let sent = 0;
    while (call.side.send(PAYLOAD_BYTES, pattern(size, 0)) && sent < 10_000) sent++;
    for (let i = 0; i < 100; i++) call.side.send(PAYLOAD_BYTES, pattern(size, 0));
    joined.run();
    expect(ears.messages.length * size).toBeLessThanOrEqual(256 * 1024 + size);
    let rooms = 0;
    call.ears.onRoom = () => rooms++;
    side.resume();
    joined.run();
    expect(rooms).toBeGreaterThan(0);
    expect(ears.messages).toHaveLength(sent + 101);
  });

  it("brings every message whole, in order and once, under any timing", () => {
    for (let seed = 1; seed <= 60; seed++) playStreams(seed);
  });
});

/** Several streams at once, both ways, with consumers that pause at random. */
function playStreams(seed: number): void {
  const random = seededRandom(seed * 7_919);
  const joined = new Joined(seed);
  const calls = Array.from({ length: 4 }, () => joined.open({}, true));
  joined.run();
  const plans = calls.flatMap((call, index) => {
    const { side, ears } = joined.served[index] as Served;
    const plan = (from: CallSide, to: Ears, toSide: CallSide, number: number) => ({
      from,
      to,
      toSide,
      left: Array.from({ length: Math.floor(random() * 12) }, (_, step) =>
        pattern(Math.floor(random() ** 4 * 600_000), number * 100 + step),
      ),
      sent: [] as Uint8Array[],
    });
    return [plan(call.side, ears, side, index), plan(side, call.ears, call.side, index + 50)];
  });
  for (let step = 0; step < 200; step++) {
    const plan = plans[Math.floor(random() * plans.length)];
    if (plan === undefined) continue;
    const message = plan.left.shift();
    if (message !== undefined) {
      plan.sent.push(message);
      plan.from.send(PAYLOAD_BYTES, message);
    }
    if (random() < 0.3) plan.toSide.pause();
    if (random() < 0.3) plan.toSide.resume();
    if (random() < 0.2) joined.run();
  }
  for (const plan of plans) {
    for (const message of plan.left.splice(0)) {
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
  it("that closes aborts every open call exactly once (L3)", () => {
    const joined = new Joined();
    const calls = [joined.open({}, true), joined.open(), joined.open({}, true)];
    joined.run();
    joined.host.close(new LeverError("unavailable", "gone"));
    joined.host.close(new LeverError("internal", "again"));
    for (const { side, ears } of calls) {
      side.send(PAYLOAD_JSON, json(1));
      side.end();
      expect(ears.heard).toEqual(["abort unavailable"]);
    }
  });

  it("refuses calls over its limit, and goes on with the others", () => {
    const joined = new Joined(1, { callsMax: 2 });
    const calls = [joined.open(), joined.open(), joined.open()];
    joined.run();
    expect(calls.map(({ ears }) => ears.heard)).toEqual([[], [], ["abort overloaded"]]);
    joined.served[0]?.side.send(PAYLOAD_JSON, json(1), true);
    joined.run();
    joined.open();
    joined.run();
    expect(joined.served).toHaveLength(3);
  });

  it("refuses a message over its limit, in either direction", () => {
    const joined = new Joined(1, { messageBytesMax: 100_000 });
    const tooLarge = joined.open({ kind: PAYLOAD_BYTES, body: new Uint8Array(200_000) });
    joined.run();
    expect(tooLarge.ears.heard).toEqual(["abort too_large"]);
    expect(joined.served).toHaveLength(0);
    const call = joined.open();
    joined.run();
    joined.served[0]?.side.send(PAYLOAD_BYTES, new Uint8Array(200_000), true);
    joined.run();
    expect(call.ears.heard).toEqual(["abort too_large"]);
    expect([joined.host.callsOpen, joined.instance.callsOpen]).toEqual([0, 0]);
  });

  it("answers pings", () => {
    const joined = new Joined();
    let pongs = 0;
    joined.host.ping(() => pongs++);
    joined.run();
    expect(pongs).toBe(1);
  });

  const frame = (
    type: number,
    flags: number,
    id: number,
    payload: Uint8Array,
    chunks = 0,
  ): Uint8Array => {
    const bytes = new Uint8Array(12 + payload.length);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, payload.length, true);
    view.setUint8(4, type);
    view.setUint8(5, flags);
    view.setUint16(6, chunks, true);
    view.setUint32(8, id, true);
    bytes.set(payload, 12);
    return bytes;
  };

  /** The same of a call that is open. */
  const inCall = (of: Uint8Array): Uint8Array =>
    Buffer.concat([frame(1, 0, 1, new Uint8Array(12)), of]);

  it.each([
    ["an unknown type", frame(99, 0, 1, new Uint8Array(0))],
    ["a frame over the limit", frame(2, 0, 1, new Uint8Array(0)).fill(255, 0, 4)],
    ["an opening that is cut off", frame(1, 0, 1, new Uint8Array(5))],
    ["an opening with a number of this side", frame(1, 4, 2, new Uint8Array(12))],
    ["control that is no JSON", frame(5, 0, 0, encoder.encode("{"))],
    ["an abort that is no JSON", inCall(frame(3, 0, 1, encoder.encode("{")))],
    // A million empty chunks would be no bytes, and much memory (L2).
    ["an opening in chunks that are not full", frame(1, 2, 1, new Uint8Array(12))],
    ["a message in chunks that are not full", inCall(frame(2, 2, 1, new Uint8Array(0), 1))],
    ["a chunk of a message that was not told of", inCall(frame(2, 2, 1, new Uint8Array(65_536)))],
    [
      "more chunks than were told",
      inCall(
        Buffer.concat([
          frame(2, 2, 1, new Uint8Array(65_536), 1),
          frame(2, 2, 1, new Uint8Array(65_536)),
        ]),
      ),
    ],
  ])("that hears %s says so, for its owner to close it", (_name, bytes) => {
    expect(() => new Joined().host.receive(bytes)).toThrow(/^Cannot (read|open)/);
  });

  it("does not let a peer send without credit", () => {
    const joined = new Joined();
    const opened = joined.open({}, true);
    joined.run();
    opened.side.pause();
    const { host } = joined;
    const chunk = frame(2, 1, 4, new Uint8Array(60_000));
    expect(() => {
      for (let i = 0; i < 10; i++) host.receive(chunk);
    }).toThrow("the peer sends without credit");
  });
});

describe("a peer that means ill (L4)", () => {
  const PINGS = 1_000;
  const pings = new Uint8Array(12 * PINGS);
  for (let ping = 0; ping < PINGS; ping++) pings[12 * ping + 4] = 6;

  /** A host's end whose transport is full at once, and what came out of it. */
  function full(): { link: Link; turn: () => number } {
    const scheduled: (() => void)[] = [];
    let writtenBytes = 0;
    const link = new Link({
      side: "host",
      messageBytesMax: 1_000,
      callsMax: 10,
      write(parts) {
        for (const part of parts) writtenBytes += part.length;
        return false;
      },
      schedule: (flush) => scheduled.push(flush),
      onCall: () => new Ears(),
      onControl() {},
    });
    const turn = (): number => {
      for (const flush of scheduled.splice(0)) flush();
      return writtenBytes;
    };
    return { link, turn };
  }

  it("is cut off when it asks for more and more answers, and reads none", () => {
    const { link, turn } = full();
    const flood = (): void => {
      for (let round = 0; round < 1_000; round++) {
        link.receive(pings);
        turn();
      }
    };
    expect(flood).toThrow("Cannot answer: the peer writes, and does not read.");
    expect(turn()).toBeLessThan(5 * 1024 * 1024);
  });

  it("that reads may ask for as many answers as it likes", () => {
    const { link, turn } = full();
    for (let round = 0; round < 1_000; round++) {
      link.receive(pings);
      turn();
      link.drained();
    }
    expect(turn()).toBe(1_000 * pings.length);
  });

  it("cannot have more arguments held than 32 of the largest messages, however many calls it opens", () => {
    const joined = new Joined(1, { messageBytesMax: 100_000 });
    const calls = Array.from({ length: 40 }, () => joined.open({ body: pattern(100_000, 1) }));
    joined.run();
    const refused = calls.filter(({ ears }) => ears.heard.includes("abort overloaded"));
    expect(joined.served.length).toBe(32);
    expect(refused.length).toBe(8);
    // What is over makes room.
    for (const { side } of joined.served.splice(0)) side.send(PAYLOAD_JSON, json(1), true);
    joined.run();
    joined.open({ body: pattern(100_000, 1) });
    joined.run();
    expect(joined.served.length).toBe(1);
  });
});
