import { expect, it } from "vitest";
import {
  DATA,
  END_STREAM,
  encodeFrame,
  type Frame,
  FrameReader,
  HEADERS,
  PING,
  withoutPadding,
} from "./frame.ts";

const PADDED = 8;
const PRIORITY = 32;

/** The frames in bytes that arrive in chunks of this size. The pieces of one DATA frame are joined. */
function read(bytes: Buffer, chunkBytes: number): string[] {
  const read: string[] = [];
  let content = "";
  const reader = new FrameReader({
    onFrame: ({ type, id, payload }) => read.push(`${type} of ${id}: ${payload}`),
    onData(id, piece, isEnd) {
      content += piece;
      if (isEnd) read.push(`content of ${id}: ${content}`);
    },
  });
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    // As from a socket, whose memory is used again.
    const chunk = Buffer.from(bytes.subarray(at, at + chunkBytes));
    reader.push(chunk);
    chunk.fill(0);
  }
  return read;
}

it.each([1, 2, 8, 9, 10, 13, 64, 1_000])("frames in chunks of %i bytes are read", (chunkBytes) => {
  const bytes = Buffer.concat([
    encodeFrame(HEADERS, 0, 1, Buffer.from("abcdef")),
    encodeFrame(DATA, 0, 1, Buffer.from("some content, ")),
    encodeFrame(DATA, 0, 1, Buffer.alloc(0)),
    encodeFrame(PING, 0, 0, Buffer.from("12345678")),
    encodeFrame(DATA, END_STREAM, 1, Buffer.from("and its end")),
    encodeFrame(200, 0, 0, Buffer.alloc(0)),
    encodeFrame(DATA, PADDED | END_STREAM, 3, Buffer.from("\u0002xyz__")),
  ]);
  expect(read(bytes, chunkBytes)).toEqual([
    "1 of 1: abcdef",
    "6 of 0: 12345678",
    "content of 1: some content, and its end",
    "200 of 0: ",
    "0 of 3: \u0002xyz__",
  ]);
});

it("a frame over 16 KiB is refused before it arrives", () => {
  const header = encodeFrame(DATA, 0, 1, Buffer.alloc(16_385)).subarray(0, 9);
  expect(() => read(header, 9)).toThrow("a frame has 16385 bytes");
});

it.each([
  [DATA, 0, "abc", "abc"],
  [DATA, PADDED, "\u0002abc..", "abc"],
  [HEADERS, PRIORITY, "12345abc", "abc"],
  [HEADERS, PADDED | PRIORITY, "\u000112345abc.", "abc"],
])(
  "a frame of type %i with flags %i has its payload without padding",
  (type, flags, text, payload) => {
    const frame: Frame = { type, flags, id: 1, payload: Buffer.from(text) };
    expect(withoutPadding(frame).toString()).toBe(payload);
  },
);

it("a frame with more padding than bytes is refused", () => {
  const frame: Frame = { type: DATA, flags: PADDED, id: 1, payload: Buffer.from("\u0009abc") };
  expect(() => withoutPadding(frame)).toThrow("more padding than bytes");
});
