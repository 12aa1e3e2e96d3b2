import { EventEmitter } from "node:events";
import { defaultLimits } from "@leveros/protocol";
import { afterEach, beforeEach, expect, it } from "vitest";
import { VirtualClock } from "../../../../tests/harness/virtual-clock.ts";
import { gatewayLimits } from "./gateway-limits.ts";
import { UnreadReplies } from "./unread-replies.ts";

class Writer extends EventEmitter {
  writableLength: number;
  destroyed = false;

  constructor(bytes: number) {
    super();
    this.writableLength = bytes;
  }

  destroy(): void {
    this.destroyed = true;
  }

  take(bytes: number): void {
    this.writableLength -= bytes;
    if (this.writableLength === 0) this.emit("drain");
  }
}

const KB = 1_000;
let clock: VirtualClock;
let replies: UnreadReplies;
let connections: Writer[];

beforeEach(() => {
  clock = new VirtualClock();
  connections = [];
  const limits = {
    ...gatewayLimits(defaultLimits),
    bufferedReplyBytesMax: 1_000 * KB,
    unreadTimeoutMs: 10_000,
  };
  replies = new UnreadReplies({ connections, limits, clock, log: () => {} });
});

afterEach(() => replies.close());

function held(bytes: number): Writer {
  const writer = new Writer(bytes);
  replies.hold(writer);
  return writer;
}

it("a reply is released once it is sent", () => {
  const writer = held(400 * KB);
  writer.take(400 * KB);
  clock.advance(1_000);
  expect([replies.bytes, writer.destroyed, writer.listenerCount("drain")]).toEqual([0, false, 0]);
});

it("a reply is released once its connection is closed", () => {
  held(400 * KB).destroyed = true;
  clock.advance(1_000);
  expect(replies.bytes).toBe(0);
});

it("a connection that takes nothing for the whole time is closed (U2)", () => {
  const writer = held(400 * KB);
  clock.advance(9_000);
  expect(writer.destroyed).toBe(false);
  clock.advance(1_000);
  expect([writer.destroyed, replies.bytes]).toEqual([true, 0]);
});

it("a connection that takes a little now and then stays open", () => {
  const writer = held(400 * KB);
  for (let i = 0; i < 30; i++) {
    clock.advance(5_000);
    writer.take(KB);
  }
  expect([writer.destroyed, replies.bytes]).toEqual([false, 371 * KB]);
});

it("a connection that takes each message, and always has the next one, stays open", () => {
  const writer = held(400 * KB);
  for (let i = 0; i < 30; i++) {
    writer.take(400 * KB);
    writer.writableLength = 400 * KB;
    clock.advance(5_000);
  }
  expect(writer.destroyed).toBe(false);
});

it("a reply beyond the limit is refused while others have been read lately (U1)", () => {
  held(700 * KB);
  expect([replies.hasMemoryFor(300 * KB), replies.hasMemoryFor(301 * KB)]).toEqual([true, false]);
});

it("a reply beyond the limit makes callers give way that read nothing, the oldest first (U1)", () => {
  const writers = [held(400 * KB), held(400 * KB)];
  clock.advance(1_000);
  expect(replies.hasMemoryFor(600 * KB)).toBe(true);
  expect(writers.map(({ destroyed }) => destroyed)).toEqual([true, false]);
});

it("a stream whose messages go beyond the limit is cut itself (U1)", () => {
  const first = held(700 * KB);
  const second = held(301 * KB);
  expect([first.destroyed, second.destroyed, replies.bytes]).toEqual([false, true, 700 * KB]);
});

it("a connection that nobody reports is found when it holds much (U2)", () => {
  const connection = new Writer(100 * KB);
  connections.push(connection);
  clock.advance(11_000);
  expect(connection.destroyed).toBe(true);
});
