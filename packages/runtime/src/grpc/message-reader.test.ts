import { expect, it } from "vitest";
import { frameMessage, MessageReader } from "./message-reader.ts";

it("messages are the same however their bytes are split", () => {
  const messages = [0, 1, 5, 1_000].map((length) => Buffer.alloc(length, length + 1));
  const bytes = Buffer.concat(messages.map(frameMessage));
  for (const size of [1, 3, 7, 500, bytes.length]) {
    const reader = new MessageReader(1_000);
    const read: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      read.push(...reader.push(bytes.subarray(at, at + size)));
    }
    expect(read, `pieces of ${size} bytes`).toEqual(messages);
    expect(reader.isWithinMessage).toBe(false);
  }
});

it("an incomplete message is reported by isWithinMessage", () => {
  const reader = new MessageReader(1_000);
  expect(reader.push(frameMessage(Buffer.alloc(10)).subarray(0, 12))).toEqual([]);
  expect(reader.isWithinMessage).toBe(true);
});

it("a message over the limit is refused before it arrives", () => {
  const prefix = frameMessage(Buffer.alloc(1_001)).subarray(0, 5);
  expect(() => new MessageReader(1_000).push(prefix)).toThrow(
    "Cannot read the message: its 1001 bytes are over the limit of 1000.",
  );
});

it("a compressed message is refused", () => {
  const frame = frameMessage(Buffer.alloc(10));
  frame[0] = 1;
  expect(() => new MessageReader(1_000).push(frame)).toThrow(
    expect.objectContaining({ code: "not_supported" }),
  );
});
