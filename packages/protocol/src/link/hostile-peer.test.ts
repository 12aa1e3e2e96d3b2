import { describe, expect, it } from "vitest";
import { Joined, json, pattern, RecordedEvents } from "../../../../tests/harness/joined-links.ts";
import { PAYLOAD_JSON } from "../call.ts";
import { cancelled } from "../call-errors.ts";
import { LeverError } from "../errors.ts";
import { encodeAbort } from "./json-payload.ts";
import { Link } from "./link.ts";
import { LINK_VERSION } from "./link-version.ts";

const encoder = new TextEncoder();
/** An opening from outside without names or body. */
const EMPTY_OPENING = new Uint8Array(26).fill(LINK_VERSION, 0, 1);

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

describe("a hostile peer", () => {
  /** The frame, after the opening of its call. */
  const inCall = (of: Uint8Array): Uint8Array => Buffer.concat([frame(1, 0, 1, EMPTY_OPENING), of]);

  /** The frame, after a message that says that calls follow. */
  const shared = (of: Uint8Array): Uint8Array =>
    inCall(Buffer.concat([frame(2, 64, 1, new Uint8Array(1)), of]));

  it.each([
    ["an unknown type", frame(99, 0, 1, new Uint8Array(0))],
    ["a frame over the limit", frame(2, 0, 1, new Uint8Array(0)).fill(255, 0, 4)],
    ["an opening that is cut off", frame(1, 0, 1, new Uint8Array(5))],
    ["an opening of another version", frame(1, 4, 1, EMPTY_OPENING.slice().fill(1, 0, 1))],
    [
      "an opening of an unknown kind of caller",
      frame(1, 4, 1, EMPTY_OPENING.slice().fill(99, 1, 2)),
    ],
    ["an opening with a number of this side", frame(1, 4, 2, EMPTY_OPENING)],
    ["control that is no JSON", frame(5, 0, 0, encoder.encode("{"))],
    ["an abort that is no JSON", inCall(frame(3, 0, 1, encoder.encode("{")))],
    ["an id of a call that is too long", inCall(frame(11, 0, 1, new Uint8Array(21)))],
    // A million empty chunks would be no bytes, and much memory (L2).
    ["an opening in chunks that are not full", frame(1, 2, 1, EMPTY_OPENING)],
    ["a message in chunks that are not full", inCall(frame(2, 2, 1, new Uint8Array(0), 1))],
    ["a chunk of a message that was not announced", inCall(frame(2, 2, 1, new Uint8Array(65_536)))],
    [
      "more chunks than were announced",
      inCall(
        Buffer.concat([
          frame(2, 2, 1, new Uint8Array(65_536), 1),
          frame(2, 2, 1, new Uint8Array(65_536)),
        ]),
      ),
    ],
    ["calls that share no message", frame(10, 0, 0, new Uint8Array(4))],
    ["a shared message without its calls", shared(frame(6, 0, 0, new Uint8Array(0)))],
    ["a call that is cut off", shared(frame(10, 0, 0, new Uint8Array(6)))],
    ["more calls of a message than allowed", shared(frame(10, 0, 0, new Uint8Array(4 * 1_025)))],
    ["a shared message in chunks", inCall(frame(2, 64 | 2, 1, new Uint8Array(65_536), 1))],
    ["a shared message that is the last one", inCall(frame(2, 64 | 4, 1, new Uint8Array(1)))],
  ])("%s is a protocol error", (_name, bytes) => {
    expect(() => new Joined().host.receive(bytes)).toThrow(/^Cannot (read|open)/);
  });

  it("sending without credit is a protocol error", () => {
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

  it("a message to one call many times needs credit for each time", () => {
    const joined = new Joined();
    const opened = joined.open({}, true);
    joined.run();
    opened.side.pause();
    const { host } = joined;
    const message = frame(2, 64 | 1, 4, new Uint8Array(30_000));
    const sameCall = new Uint8Array(4 * 10).map((_, at) => (at % 4 === 0 ? 4 : 0));
    host.receive(message);
    expect(() => host.receive(frame(10, 0, 0, sameCall))).toThrow("the peer sends without credit");
  });
});

it("a call that is aborted before its arguments are complete leaves nothing", () => {
  const { host, served } = new Joined();
  const [opening, abort] = [new Uint8Array(26 + 65_536), encodeAbort(cancelled("caller"))];
  opening.set(EMPTY_OPENING);
  host.receive(frame(1, 2, 1, opening, 1));
  expect(host.callsOpen).toBe(0);
  host.receive(frame(3, 0, 1, abort));
  expect([host.callsOpen, served]).toEqual([0, []]);
});

describe("a peer that uses too much memory (L4)", () => {
  const PINGS = 1_000;
  const pings = new Uint8Array(12 * PINGS);
  for (let ping = 0; ping < PINGS; ping++) pings[12 * ping + 4] = 6;

  /** A host's end whose transport is full at once, and what came out of it. */
  function full(): { link: Link; turn: () => number } {
    const scheduled: (() => void)[] = [];
    let writtenBytes = 0;
    const link = new Link({
      side: "listener",
      messageBytesMax: 1_000,
      callsMax: 10,
      write(parts) {
        for (const part of parts) writtenBytes += part.length;
        return false;
      },
      schedule: (flush) => scheduled.push(flush),
      onCall: () => new RecordedEvents(),
      onControl() {},
    });
    const turn = (): number => {
      for (const flush of scheduled.splice(0)) flush();
      return writtenBytes;
    };
    return { link, turn };
  }

  it("a peer that sends pings and reads nothing causes an error", () => {
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

  it("a peer that reads may send any number of pings", () => {
    const { link, turn } = full();
    for (let round = 0; round < 1_000; round++) {
      link.receive(pings);
      turn();
      link.drained();
    }
    expect(turn()).toBe(1_000 * pings.length);
  });

  it("a link stores arguments of at most 32 messages of the largest size", () => {
    const joined = new Joined(1, { messageBytesMax: 100_000 });
    const calls = Array.from({ length: 40 }, () => joined.open({ body: pattern(100_000, 1) }));
    joined.run();
    const refused = calls.filter(({ events }) => events.received.includes("abort overloaded"));
    expect(joined.served.length).toBe(32);
    expect(refused.length).toBe(8);
    // Calls that are over free memory.
    for (const { side } of joined.served.splice(0)) side.send(PAYLOAD_JSON, json(1), true);
    joined.run();
    joined.open({ body: pattern(100_000, 1) });
    joined.run();
    expect(joined.served.length).toBe(1);
  });

  it("a message is counted as it arrives, not as it is announced", () => {
    let arrivedBytes = 0;
    const link = new Link({
      side: "listener",
      messageBytesMax: 4 * 1024 * 1024,
      callsMax: 10,
      write: () => true,
      schedule() {},
      countArrived(bytes) {
        arrivedBytes += bytes;
        return true;
      },
      onCall: () => new RecordedEvents(),
      onControl() {},
    });
    const chunk = new Uint8Array(65_536);
    link.receive(frame(1, 2, 1, Buffer.concat([EMPTY_OPENING, chunk]), 63));
    expect(arrivedBytes).toBe(65_536);
    link.receive(frame(2, 2, 1, chunk));
    expect(arrivedBytes).toBe(2 * 65_536);
    link.receive(frame(2, 0, 1, chunk.subarray(0, 1)));
    expect(arrivedBytes).toBe(2 * 65_536 + 1);
    link.close(new LeverError("cancelled", "closed"));
    expect(arrivedBytes).toBe(0);
  });
});

it("lines that come from the side that was called break the protocol", () => {
  const joined = new Joined();
  joined.open({}, true);
  expect(() => joined.host.receive(frame(2, 128, 4, encoder.encode("1\n2\n")))).toThrow(
    "Cannot read a message: only callers send lines.",
  );
});
