import { describe, expect, it } from "vitest";
import {
  Joined,
  json,
  pattern,
  type RecordedEvents,
  type Served,
  sameBytes,
} from "../../../../tests/harness/joined-links.ts";
import { seededRandom } from "../../../../tests/harness/seeded-random.ts";
import { type CallHandle, PAYLOAD_BYTES, PAYLOAD_JSON, type PayloadKind } from "../call.ts";
import { cancelled } from "../call-errors.ts";
import { HEADER_BYTES, MESSAGE } from "./frame.ts";
import { FrameWriter } from "./frame-writer.ts";
import type { MemoryFile } from "./shared-memory.ts";

interface Room {
  readonly joined: Joined;
  readonly callers: readonly { readonly side: CallHandle; readonly events: RecordedEvents }[];
  readonly services: readonly Served[];
}

/** So many streams, open on both sides. */
function openRoom(streams: number, joined = new Joined()): Room {
  const callers = Array.from({ length: streams }, () => joined.open({}, true));
  joined.run();
  return { joined, callers, services: joined.served };
}

/** Bytes that the links write meanwhile. */
function writtenBytes({ joined }: Room, work: () => void): number {
  const before = joined.writtenBytes;
  work();
  joined.run();
  return joined.writtenBytes - before;
}

describe("a message that is sent to many streams in turn", () => {
  it.each<[PayloadKind, Uint8Array]>([
    [PAYLOAD_JSON, json("Hello, everybody!")],
    [PAYLOAD_BYTES, pattern(1_000, 1)],
    [PAYLOAD_JSON, json("x".repeat(10_000))],
    [PAYLOAD_BYTES, pattern(10_000, 2)],
    [PAYLOAD_JSON, json("x".repeat(60_000))],
  ])("a message of kind %i crosses the link once: %#", (kind, message) => {
    const room = openRoom(200);
    const bytes = writtenBytes(room, () => {
      for (const { side } of room.services) side.send(kind, message);
    });
    expect(bytes).toBe(HEADER_BYTES + message.length + HEADER_BYTES + 199 * 4);
    const got = room.callers.filter(({ events }) => sameBytes(events.messages[0], message));
    expect(got.length).toBe(200);
  });

  it("each stream that shares a message counts its bytes", () => {
    const room = openRoom(10);
    const message = json("x".repeat(98));
    for (const { side } of room.services) side.send(PAYLOAD_JSON, message);
    room.joined.run();
    expect(room.joined.sharedBytes).toBe(9 * 100);
  });

  it("a message to more streams than one frame can name crosses again", () => {
    const room = openRoom(3_000, new Joined(1, { callsMax: 3_000 }));
    const message = json("x".repeat(1_000));
    const bytes = writtenBytes(room, () => {
      for (const { side } of room.services) side.send(PAYLOAD_JSON, message);
    });
    expect(bytes).toBeLessThan(4 * message.length + 3_000 * 4);
    expect(room.callers.filter(({ events }) => events.messages.length === 1).length).toBe(3_000);
  });

  it("bytes that change between two streams arrive as they were written", () => {
    const room = openRoom(3);
    const bytes = pattern(1_000, 1);
    for (const [at, { side }] of room.services.entries()) {
      bytes[500] = at;
      side.send(PAYLOAD_BYTES, bytes);
    }
    room.joined.run();
    expect(room.callers.map(({ events }) => events.messages[0]?.[500])).toEqual([0, 1, 2]);
  });

  it("a service gets bytes of its own, which it may change", () => {
    const room = openRoom(3);
    const message = pattern(1_000, 1);
    for (const { side } of room.callers) side.send(PAYLOAD_BYTES, message);
    room.joined.run();
    for (const { events } of room.services) {
      expect(sameBytes(events.messages[0], message)).toBe(true);
      events.messages[0]?.fill(0);
    }
  });

  it("streams that have ended get nothing, and the others get the message", () => {
    const room = openRoom(20);
    for (const { side } of room.services) side.send(PAYLOAD_JSON, json("Hello"));
    for (const { side } of room.callers.slice(5, 10)) side.abort(cancelled("caller"));
    room.joined.run();
    const counts = room.callers.map(({ events }) => events.messages.length);
    expect(counts).toEqual([...Array(5).fill(1), ...Array(5).fill(0), ...Array(10).fill(1)]);
  });

  it("a caller that does not read holds back its own stream only", () => {
    const room = openRoom(3);
    const [slow, ...others] = room.services.map(({ side }) => side);
    room.callers[0]?.side.pause();
    const message = json("x".repeat(10_000));
    let isSlowWritable = true;
    for (let round = 0; round < 100; round++) {
      if (isSlowWritable) isSlowWritable = slow?.send(PAYLOAD_JSON, message) === true;
      for (const side of others) side.send(PAYLOAD_JSON, message);
      room.joined.run();
    }
    const counts = room.callers.map(({ events }) => events.messages.length);
    expect(isSlowWritable).toBe(false);
    expect(counts[0]).toBeLessThan(30);
    expect(counts.slice(1)).toEqual([100, 100]);
  });

  it("messages that wait for the transport are shared, too", () => {
    const room = openRoom(50);
    const { joined } = room;
    joined.instance.output.isSaturated = true;
    const message = json("x".repeat(5_000));
    const bytes = writtenBytes(room, () => {
      for (const { side } of room.services) side.send(PAYLOAD_JSON, message);
      joined.instance.drained();
    });
    expect(bytes).toBeLessThan(2 * message.length);
    expect(room.callers.every(({ events }) => events.messages.length === 1)).toBe(true);
  });

  it("the messages of a stream arrive in order, also when streams share some (L1)", () => {
    for (let seed = 1; seed <= 15; seed++) {
      const random = seededRandom(seed);
      const pick = (end: number): number => Math.floor(random() * end);
      const room = openRoom(8, new Joined(seed, { files: files() }));
      const payloads = Array.from({ length: 3 }, (_, index) => ({
        kind: index === 1 ? PAYLOAD_BYTES : (PAYLOAD_JSON as PayloadKind),
        bytes: json(`${index}`.padEnd([5, 20_000, 6_000][index] ?? 0, "x")),
      }));
      const sent: number[][] = room.services.map(() => []);
      const ended = new Set<number>();
      for (let turn = 0; turn < 40; turn++) {
        for (let n = pick(30); n > 0; n--) {
          const [stream, payload] = [pick(8), pick(3)];
          const message = payloads[payload];
          if (message === undefined || ended.has(stream)) continue;
          room.services[stream]?.side.send(message.kind, message.bytes);
          sent[stream]?.push(payload);
          if (random() < 0.005) {
            room.services[stream]?.side.end();
            ended.add(stream);
          }
        }
        if (random() < 0.3) room.joined.run();
      }
      room.joined.run();
      const got = room.callers.map(({ events }) =>
        events.messages.map((bytes) =>
          payloads.findIndex((payload) => sameBytes(bytes, payload.bytes)),
        ),
      );
      expect(got, `seed ${seed}`).toEqual(sent);
      const ends = room.callers.map(({ events }) => events.endings);
      expect(ends).toEqual(sent.map((_, stream) => (ended.has(stream) ? 1 : 0)));
    }
  });
});

/** Memory that two links share. */
function files(): { readonly toInstance: MemoryFile; readonly toHost: MemoryFile } {
  const file = (): MemoryFile => {
    const slots = new Map<number, Uint8Array>();
    return {
      read(target, position) {
        target.set(slots.get(position) ?? []);
        return target.length;
      },
      write(from, position) {
        slots.set(position, from.slice());
        return from.length;
      },
      clear() {},
    };
  };
  return { toInstance: file(), toHost: file() };
}

it("only the message of the last frame is shared", () => {
  const writer = new FrameWriter(undefined);
  const [message, other] = [json("a"), json("b")];
  writer.push(MESSAGE, 0, 1, message);
  expect(writer.share(0, 2, message)).toBe(true);
  expect([writer.share(0, 3, other), writer.share(1, 3, message)]).toEqual([false, false]);
  writer.push(MESSAGE, 0, 3, other);
  expect(writer.share(0, 4, message)).toBe(false);
  expect(writer.share(0, 4, other)).toBe(true);
  writer.take();
  expect(writer.share(0, 5, other)).toBe(false);
});
