// One file, although long: a table of everything that a client can get wrong.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Frame, rawFrame } from "../../../../tests/fuzz/targets/http2-frames.ts";
import {
  data,
  get,
  type Http2Server,
  openHttp2Server,
  post,
} from "../../../../tests/harness/http2-server.ts";
import * as frames from "./frame.ts";
import { encodeFields } from "./header-block.ts";
import type { ServerStream } from "./server-stream.ts";

const NOTHING = Buffer.alloc(0);
const OK = encodeFields({ ":status": 200 });

let server: Http2Server;

beforeAll(async () => {
  server = await openHttp2Server(echo, () => 0);
});

afterAll(() => server[Symbol.asyncDispose]());

function echo(stream: ServerStream): void {
  const pieces: Buffer[] = [];
  stream.listen({
    onContent: (piece) => pieces.push(piece),
    onEnd() {
      stream.respond(OK);
      stream.end(Buffer.concat(pieces));
    },
    onDrain() {},
    onClose() {},
  });
}

const u32 = frames.encodeNumber;
const setting = (id: number, value: number): Buffer => {
  const payload = Buffer.alloc(6);
  payload.writeUInt16BE(id, 0);
  payload.writeUInt32BE(value, 2);
  return payload;
};
const raw = rawFrame;
/** A block: POST / of a. */
const HEAD = Buffer.from([0x83, 0x86, 0x84, 0x41, 1, 0x61]);

const isEndOf =
  (id: number) =>
  ({ type, flags, stream }: Frame): boolean =>
    stream === id &&
    (type === frames.RST_STREAM ||
      ((type === frames.DATA || type === frames.HEADERS) && (flags & frames.END_STREAM) !== 0));

describe("a client that breaks the protocol", () => {
  it.each<[string, readonly Buffer[], number]>([
    ["content of stream 0", [raw(frames.DATA, 1, 0, NOTHING)], frames.PROTOCOL_ERROR],
    ["content of a stream that is not open", [data(1, "x", true)], frames.PROTOCOL_ERROR],
    ["headers of stream 0", [raw(frames.HEADERS, 5, 0, HEAD)], frames.PROTOCOL_ERROR],
    ["headers of an even stream", [raw(frames.HEADERS, 5, 2, HEAD)], frames.PROTOCOL_ERROR],
    ["a push", [raw(frames.PUSH_PROMISE, 4, 1, u32(2))], frames.PROTOCOL_ERROR],
    [
      "a priority without a stream",
      [raw(frames.PRIORITY, 0, 0, Buffer.alloc(5))],
      frames.PROTOCOL_ERROR,
    ],
    ["a short priority", [raw(frames.PRIORITY, 0, 1, Buffer.alloc(4))], frames.FRAME_SIZE_ERROR],
    [
      "a reset of a stream that is not open",
      [raw(frames.RST_STREAM, 0, 1, u32(8))],
      frames.PROTOCOL_ERROR,
    ],
    [
      "a short reset",
      [get(1), raw(frames.RST_STREAM, 0, 1, Buffer.alloc(3))],
      frames.FRAME_SIZE_ERROR,
    ],
    ["settings of a stream", [raw(frames.SETTINGS, 0, 1, NOTHING)], frames.PROTOCOL_ERROR],
    [
      "settings that are cut off",
      [raw(frames.SETTINGS, 0, 0, Buffer.alloc(5))],
      frames.FRAME_SIZE_ERROR,
    ],
    [
      "an acknowledgement with settings",
      [raw(frames.SETTINGS, 1, 0, setting(3, 1))],
      frames.FRAME_SIZE_ERROR,
    ],
    ["a push setting of 2", [raw(frames.SETTINGS, 0, 0, setting(2, 2))], frames.PROTOCOL_ERROR],
    [
      "a window setting over the limit",
      [raw(frames.SETTINGS, 0, 0, setting(4, 2 ** 31))],
      frames.FLOW_CONTROL_ERROR,
    ],
    [
      "a frame size of 16,383",
      [raw(frames.SETTINGS, 0, 0, setting(5, 16_383))],
      frames.PROTOCOL_ERROR,
    ],
    [
      "a frame size of 2^24",
      [raw(frames.SETTINGS, 0, 0, setting(5, 2 ** 24))],
      frames.PROTOCOL_ERROR,
    ],
    ["a ping of a stream", [raw(frames.PING, 0, 1, Buffer.alloc(8))], frames.PROTOCOL_ERROR],
    ["a short ping", [raw(frames.PING, 0, 0, Buffer.alloc(7))], frames.FRAME_SIZE_ERROR],
    ["an end of a stream", [raw(frames.GOAWAY, 0, 1, Buffer.alloc(8))], frames.PROTOCOL_ERROR],
    ["a short end", [raw(frames.GOAWAY, 0, 0, Buffer.alloc(7))], frames.FRAME_SIZE_ERROR],
    [
      "a short window update",
      [raw(frames.WINDOW_UPDATE, 0, 0, Buffer.alloc(3))],
      frames.FRAME_SIZE_ERROR,
    ],
    ["a window update of 0", [raw(frames.WINDOW_UPDATE, 0, 0, u32(0))], frames.PROTOCOL_ERROR],
    [
      "a window over the limit",
      [raw(frames.WINDOW_UPDATE, 0, 0, u32(2 ** 31 - 1))],
      frames.FLOW_CONTROL_ERROR,
    ],
    [
      "a window update of a stream that is not open",
      [raw(frames.WINDOW_UPDATE, 0, 1, u32(1))],
      frames.PROTOCOL_ERROR,
    ],
    ["a continuation of nothing", [raw(frames.CONTINUATION, 4, 1, HEAD)], frames.PROTOCOL_ERROR],
    [
      "a frame within headers",
      [raw(frames.HEADERS, 0, 1, HEAD), raw(frames.PING, 0, 0, Buffer.alloc(8))],
      frames.PROTOCOL_ERROR,
    ],
    [
      "a continuation of another stream",
      [raw(frames.HEADERS, 0, 1, HEAD), raw(frames.CONTINUATION, 4, 3, NOTHING)],
      frames.PROTOCOL_ERROR,
    ],
    [
      "padding longer than the frame",
      [raw(frames.HEADERS, 12, 1, Buffer.from([9, 0]))],
      frames.PROTOCOL_ERROR,
    ],
    [
      "an index that is not in the table",
      [raw(frames.HEADERS, 5, 1, Buffer.from([0xfe]))],
      frames.COMPRESSION_ERROR,
    ],
    [
      "a table over the limit",
      [raw(frames.HEADERS, 5, 1, Buffer.from([0x3f, 0xe2, 0x1f]))],
      frames.COMPRESSION_ERROR,
    ],
    [
      "a header that is cut off",
      [raw(frames.HEADERS, 5, 1, Buffer.from([0x40, 0x7f]))],
      frames.COMPRESSION_ERROR,
    ],
    [
      "a frame over 16 KiB",
      [raw(frames.PING, 0, 0, Buffer.alloc(16_385))],
      frames.FRAME_SIZE_ERROR,
    ],
    [
      "a continuation flood",
      [
        raw(frames.HEADERS, 0, 1, NOTHING),
        ...Array<Buffer>(100).fill(raw(frames.CONTINUATION, 0, 1, NOTHING)),
      ],
      frames.ENHANCE_YOUR_CALM,
    ],
    [
      "headers without end",
      [
        raw(frames.HEADERS, 0, 1, HEAD),
        ...Array<Buffer>(5).fill(raw(frames.CONTINUATION, 0, 1, Buffer.alloc(16_384, 0x82))),
      ],
      frames.ENHANCE_YOUR_CALM,
    ],
    [
      "a flood of pings",
      Array<Buffer>(10_001).fill(raw(frames.PING, 1, 0, Buffer.alloc(8))),
      frames.ENHANCE_YOUR_CALM,
    ],
    [
      "a flood of settings",
      Array<Buffer>(10_001).fill(raw(frames.SETTINGS, 1, 0, NOTHING)),
      frames.ENHANCE_YOUR_CALM,
    ],
    [
      "a flood of unknown frames",
      Array<Buffer>(10_001).fill(raw(99, 0, 0, NOTHING)),
      frames.ENHANCE_YOUR_CALM,
    ],
    [
      "a flood of empty content",
      [post(1), ...Array<Buffer>(10_005).fill(data(1, ""))],
      frames.ENHANCE_YOUR_CALM,
    ],
    [
      "a flood of content of a closed stream",
      [get(1), ...Array<Buffer>(10_005).fill(data(1, "x"))],
      frames.ENHANCE_YOUR_CALM,
    ],
    [
      "a flood of window updates",
      [post(1), ...Array<Buffer>(10_005).fill(raw(frames.WINDOW_UPDATE, 0, 1, u32(1)))],
      frames.ENHANCE_YOUR_CALM,
    ],
    [
      "a rapid reset",
      Array.from({ length: 1_001 }, (_, at) => [
        post(2 * at + 1),
        raw(frames.RST_STREAM, 0, 2 * at + 1, u32(8)),
      ]).flat(),
      frames.ENHANCE_YOUR_CALM,
    ],
    [
      "a rapid reset by its own errors",
      Array.from({ length: 1_001 }, (_, at) => [
        post(2 * at + 1),
        raw(frames.WINDOW_UPDATE, 0, 2 * at + 1, u32(0)),
      ]).flat(),
      frames.ENHANCE_YOUR_CALM,
    ],
    [
      "a flood of malformed requests",
      Array.from({ length: 1_001 }, (_, at) => get(2 * at + 1, { connection: "close" })),
      frames.ENHANCE_YOUR_CALM,
    ],
  ])("%s ends the connection", async (_name, parts, code) => {
    const client = server.open();
    client.begin(...parts);
    const { payload } = await client.frame(({ type }) => type === frames.GOAWAY);
    expect(payload.readUInt32BE(4)).toBe(code);
    await client.closed;
  });

  it("another preface ends the connection", async () => {
    const client = server.open();
    client.send("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n");
    await client.closed;
    expect(client.frames.at(-1)?.type).toBe(frames.GOAWAY);
  });

  it("a connection that does not begin with settings ends", async () => {
    const client = server.open();
    client.begin();
    const late = server.open();
    late.send(frames.PREFACE);
    late.more(get(1));
    await late.closed;
    expect(late.frames.at(-1)?.payload.readUInt32BE(4)).toBe(frames.PROTOCOL_ERROR);
  });

  it.each<[string, readonly Buffer[], number]>([
    [
      "a window update of 0",
      [post(1), raw(frames.WINDOW_UPDATE, 0, 1, u32(0))],
      frames.PROTOCOL_ERROR,
    ],
    [
      "a window over the limit",
      [post(1), raw(frames.WINDOW_UPDATE, 0, 1, u32(2 ** 31 - 1))],
      frames.FLOW_CONTROL_ERROR,
    ],
    [
      "less content than declared",
      [post(1, { "content-length": "4" }), data(1, "abc", true)],
      frames.PROTOCOL_ERROR,
    ],
    [
      "more content than declared",
      [post(1, { "content-length": "2" }), data(1, "abc")],
      frames.PROTOCOL_ERROR,
    ],
    ["no content, although declared", [get(1, { "content-length": "2" })], frames.PROTOCOL_ERROR],
    [
      "less content than declared, before trailers",
      [post(1, { "content-length": "2" }), raw(frames.HEADERS, 5, 1, NOTHING)],
      frames.PROTOCOL_ERROR,
    ],
    [
      "trailers without an end",
      [post(1), raw(frames.HEADERS, 4, 1, NOTHING)],
      frames.PROTOCOL_ERROR,
    ],
    ["trailers with a target", [post(1), get(1)], frames.PROTOCOL_ERROR],
    ["a field in upper case", [get(1, { "X-Upper": "a" })], frames.PROTOCOL_ERROR],
    ["a field of a connection", [get(1, { connection: "close" })], frames.PROTOCOL_ERROR],
    ["a transfer coding", [get(1, { "transfer-encoding": "chunked" })], frames.PROTOCOL_ERROR],
    ["te with another value", [get(1, { te: "gzip" })], frames.PROTOCOL_ERROR],
    ["a value with a line feed", [get(1, { a: "b\x00c" })], frames.PROTOCOL_ERROR],
    ["a value that ends with a space", [get(1, { a: "b " })], frames.PROTOCOL_ERROR],
    ["a name with a space", [get(1, { "a b": "c" })], frames.PROTOCOL_ERROR],
    [
      "an unknown pseudo-header field",
      [get(1, { ":protocol": "websocket" })],
      frames.PROTOCOL_ERROR,
    ],
    ["a status", [get(1, { ":status": "200" })], frames.PROTOCOL_ERROR],
    ["a length that is no number", [get(1, { "content-length": "+1" })], frames.PROTOCOL_ERROR],
    ["a path without a slash", [get(1, { ":path": "a" })], frames.PROTOCOL_ERROR],
    ["an empty path", [get(1, { ":path": "" })], frames.PROTOCOL_ERROR],
    [
      "a pseudo-header field after others",
      [
        raw(
          frames.HEADERS,
          5,
          1,
          Buffer.from([0x82, 0x86, 0x84, 0x41, 1, 0x61, 0x0f, 0x01, 1, 0x62, 0x86]),
        ),
      ],
      frames.PROTOCOL_ERROR,
    ],
    [
      "two paths",
      [raw(frames.HEADERS, 5, 1, Buffer.concat([HEAD, Buffer.of(0x84)]))],
      frames.PROTOCOL_ERROR,
    ],
    ["no path", [raw(frames.HEADERS, 5, 1, Buffer.from([0x82, 0x86]))], frames.PROTOCOL_ERROR],
    ["no scheme", [raw(frames.HEADERS, 5, 1, Buffer.from([0x82, 0x84]))], frames.PROTOCOL_ERROR],
    ["no header", [raw(frames.HEADERS, 5, 1, NOTHING)], frames.PROTOCOL_ERROR],
  ])("%s ends the stream alone", async (_name, parts, code) => {
    const client = server.open();
    client.begin(...parts, get(3));
    const reset = await client.frame(isEndOf(1));
    expect([reset.type, reset.payload.readUInt32BE(0)]).toEqual([frames.RST_STREAM, code]);
    expect((await client.frame(isEndOf(3))).type).toBe(frames.DATA);
  });
});

it.each<[string, readonly Buffer[], string]>([
  ["without content", [get(1)], ""],
  ["with content", [post(1), data(1, "abc"), data(1, "def", true)], "abcdef"],
  ["with its length", [post(1, { "content-length": "3" }), data(1, "abc", true)], "abc"],
  ["with padding", [post(1), raw(frames.DATA, 9, 1, Buffer.from("\x02abc.."))], "abc"],
  [
    "with trailers",
    [post(1), data(1, "abc"), raw(frames.HEADERS, 5, 1, Buffer.from([0, 1, 0x61, 1, 0x62]))],
    "abc",
  ],
  ["with te: trailers", [get(1, { te: "trailers" })], ""],
  ["with a priority", [raw(frames.HEADERS, 37, 1, Buffer.concat([Buffer.alloc(5), HEAD]))], ""],
  [
    "in continuations",
    [
      raw(frames.HEADERS, 1, 1, HEAD.subarray(0, 2)),
      raw(frames.CONTINUATION, 0, 1, HEAD.subarray(2, 5)),
      raw(frames.CONTINUATION, 4, 1, HEAD.subarray(5)),
    ],
    "",
  ],
  [
    "after a smaller table",
    [raw(frames.HEADERS, 5, 1, Buffer.concat([Buffer.of(0x20), HEAD]))],
    "",
  ],
  [
    "among other frames",
    [
      raw(99, 0, 7, Buffer.from("unknown")),
      raw(frames.PRIORITY, 0, 9, Buffer.alloc(5)),
      get(1),
      raw(frames.SETTINGS, 1, 0, NOTHING),
      data(1, "late"),
      raw(frames.WINDOW_UPDATE, 0, 1, u32(1)),
      raw(frames.RST_STREAM, 0, 1, u32(8)),
    ],
    "",
  ],
])("a request %s is answered", async (_name, parts, content) => {
  const client = server.open();
  client.begin(...parts);
  await client.frame(isEndOf(1));
  const pieces = client.frames.filter(({ type, stream }) => type === frames.DATA && stream === 1);
  expect(Buffer.concat(pieces.map(({ payload }) => payload)).toString()).toBe(content);
});

it("settings and pings are acknowledged", async () => {
  const client = server.open();
  client.begin(raw(frames.PING, 0, 0, Buffer.from("12345678")));
  const pong = await client.frame(
    ({ type, flags }) => type === frames.PING && flags === frames.ACK,
  );
  expect(pong.payload.toString()).toBe("12345678");
  const acknowledged = client.frames.filter(
    ({ type, flags }) => type === frames.SETTINGS && flags === frames.ACK,
  );
  expect(acknowledged).toHaveLength(1);
});
