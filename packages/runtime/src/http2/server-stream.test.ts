// One file, although long: the windows of both directions, and every end of a stream.
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { rawFrame } from "../../../../tests/fuzz/targets/http2-frames.ts";
import {
  data,
  get,
  openHttp2Server,
  post,
  type RawHttp2Client,
} from "../../../../tests/harness/http2-server.ts";
import * as frames from "./frame.ts";
import { encodeFields } from "./header-block.ts";
import type { ServerStream } from "./server-stream.ts";

const STREAM_WINDOW_BYTES = 256 * 1024;
const CONNECTION_WINDOW_BYTES = 4 * 1024 * 1024;
const OK = encodeFields({ ":status": 200 });
const { encodeNumber: u32 } = frames;

const windowSetting = (bytes: number): Buffer =>
  rawFrame(frames.SETTINGS, 0, 0, frames.encodeSettings([[frames.INITIAL_WINDOW_SIZE, bytes]]));
const widen = (id: number, bytes: number): Buffer =>
  rawFrame(frames.WINDOW_UPDATE, 0, id, u32(bytes));

/** The content of a stream that has arrived. */
function contentOf(client: RawHttp2Client, id: number): string {
  const found = client.frames.filter(({ type, stream }) => type === frames.DATA && stream === id);
  return Buffer.concat(found.map(({ payload }) => payload)).toString();
}

const ignored = { onContent() {}, onEnd() {}, onDrain() {}, onClose() {} };

/** Answers each request with this text. */
const answerWith =
  (text: string) =>
  (stream: ServerStream): void => {
    stream.listen(ignored);
    stream.respond(OK);
    stream.end(Buffer.from(text));
  };

describe("the content of a response", () => {
  it("content is sent as far as the window of its stream allows", async () => {
    await using server = await openHttp2Server(answerWith("abcdefghij"));
    const client = server.open();
    client.begin(windowSetting(3), get(1));
    await expect.poll(() => contentOf(client, 1)).toBe("abc");
    client.more(widen(1, 2));
    await expect.poll(() => contentOf(client, 1)).toBe("abcde");
    // The setting holds for open streams: five bytes more.
    client.more(windowSetting(8));
    await expect.poll(() => contentOf(client, 1)).toBe("abcdefghij");
  });

  it("a smaller window of open streams has to be made up for first", async () => {
    await using server = await openHttp2Server(answerWith("abcdefghij"));
    const client = server.open();
    client.begin(windowSetting(4), get(1));
    await expect.poll(() => contentOf(client, 1)).toBe("abcd");
    client.more(windowSetting(1), widen(1, 3), rawFrame(frames.PING, 0, 0, Buffer.alloc(8)));
    await client.frame(({ type }) => type === frames.PING);
    expect(contentOf(client, 1)).toBe("abcd");
    client.more(widen(1, 6));
    await expect.poll(() => contentOf(client, 1)).toBe("abcdefghij");
  });

  it("streams share the window of their connection in turn", async () => {
    const long = "x".repeat(100_000);
    await using server = await openHttp2Server(answerWith(long));
    const client = server.open();
    client.begin(windowSetting(200_000), get(1), get(3), get(5));
    await expect.poll(() => contentOf(client, 1).length).toBe(65_535);
    client.more(widen(0, 3 * 16_384));
    await expect
      .poll(() => [1, 3, 5].map((id) => contentOf(client, id).length))
      .toEqual([65_535 + 16_384, 16_384, 16_384]);
    client.more(widen(0, 1_000_000));
    await expect
      .poll(() => [1, 3, 5].map((id) => contentOf(client, id)))
      .toEqual([long, long, long]);
  });

  it("a response that breaks off has its content before the error", async () => {
    await using server = await openHttp2Server((stream) => {
      stream.listen(ignored);
      stream.respond(OK);
      stream.write(Buffer.from("abcdef"));
      stream.breakOff(frames.INTERNAL_ERROR);
    });
    const client = server.open();
    client.begin(windowSetting(3), get(1));
    await expect.poll(() => contentOf(client, 1)).toBe("abc");
    client.more(widen(1, 3));
    const { payload } = await client.frame(({ type }) => type === frames.RST_STREAM);
    expect([contentOf(client, 1), payload.readUInt32BE(0)]).toEqual(["abcdef", 2]);
  });

  it("trailers follow the content", async () => {
    await using server = await openHttp2Server((stream) => {
      stream.listen(ignored);
      stream.respond(OK);
      stream.write(Buffer.from("abcdef"), Buffer.from("01"));
      stream.endWithTrailers(encodeFields({ a: "b" }));
    });
    const client = server.open();
    client.begin(windowSetting(3), get(1));
    await expect.poll(() => contentOf(client, 1)).toBe("01a");
    client.more(widen(1, 5));
    await client.frame(({ type, flags }) => type === frames.HEADERS && flags === 5);
    expect(contentOf(client, 1)).toBe("01abcdef");
  });

  it("a writer waits for the drain, which comes once all is sent", async () => {
    const events: string[] = [];
    await using server = await openHttp2Server((stream) => {
      stream.listen({ ...ignored, onDrain: () => events.push(`drain ${stream.writableLength}`) });
      stream.respond(OK);
      events.push(`${stream.write(Buffer.from("abc"))} ${stream.writableLength}`);
      events.push(`${stream.write(Buffer.from("def"))} ${stream.writableLength}`);
    });
    const client = server.open();
    client.begin(windowSetting(4), get(1));
    await expect.poll(() => contentOf(client, 1)).toBe("abcd");
    expect(events).toEqual(["true 0", "false 2"]);
    client.more(widen(1, 100));
    await expect.poll(() => events).toEqual(["true 0", "false 2", "drain 0"]);
  });

  describe.each([
    ["without content", (stream: ServerStream): void => stream.respond(OK, true)],
    [
      "with content",
      (stream: ServerStream): void => {
        stream.respond(OK);
        stream.end(Buffer.from("no"));
      },
    ],
    [
      "with trailers",
      (stream: ServerStream): void => {
        stream.respond(OK);
        stream.endWithTrailers(encodeFields({ a: "b" }));
      },
    ],
  ])("a response %s before its request has arrived", (_name, answer) => {
    const isLast = ({ stream, type, flags }: { stream: number; type: number; flags: number }) =>
      stream === 1 && (type === frames.DATA || type === frames.HEADERS) && (flags & 1) === 1;
    const refuse = (stream: ServerStream): void => {
      stream.listen(ignored);
      answer(stream);
    };

    it("the response ends after the rest of a short request", async () => {
      await using server = await openHttp2Server(refuse);
      const client = server.open();
      client.begin(post(1, { "content-length": "5" }));
      client.more(rawFrame(frames.PING, 0, 0, Buffer.alloc(8)));
      await client.frame(({ type, flags }) => type === frames.PING && flags === 1);
      expect(client.frames.filter(isLast)).toEqual([]);
      client.more(data(1, "12345", true));
      await client.frame(isLast);
    });

    it("the response ends without the rest of the request, after a time", async () => {
      await using server = await openHttp2Server(refuse);
      const client = server.open();
      client.begin(post(1, { "content-length": "5" }));
      await client.frame(isLast);
    });

    it("the response ends at once when the request is long or has no length", async () => {
      await using server = await openHttp2Server(refuse);
      const client = server.open();
      client.begin(post(1, { "content-length": "1000000" }), post(3));
      client.more(rawFrame(frames.PING, 0, 0, Buffer.alloc(8)));
      await client.frame(({ type, flags }) => type === frames.PING && flags === 1);
      expect(client.frames.filter(isLast)).toHaveLength(1);
    });
  });

  it("headers over 16 KiB are continued", async () => {
    const value = "x".repeat(40_000);
    await using server = await openHttp2Server((stream) => {
      stream.listen(ignored);
      stream.respond(encodeFields({ ":status": 200, a: value }), true);
    });
    const client = server.open();
    client.begin(get(1));
    await client.frame(({ type, flags }) => type === frames.CONTINUATION && flags === 4);
    const found = client.frames.filter(({ stream }) => stream === 1);
    expect(found.map(({ type, flags }) => [type, flags])).toEqual([
      [frames.HEADERS, 1],
      [frames.CONTINUATION, 0],
      [frames.CONTINUATION, 4],
    ]);
  });

  it("a client that does not read what it asks for is cut off", async () => {
    const block = encodeFields({ ":status": 200, a: "x".repeat(16_000) });
    await using server = await openHttp2Server((stream) => {
      stream.listen(ignored);
      stream.respond(block, true);
    });
    const client = server.open();
    client.socket.pause();
    client.begin();
    let id = -1;
    const ask = (): Buffer[] =>
      Array.from({ length: 100 }, () => {
        id += 2;
        return get(id);
      });
    const closed = new Promise<void>((resolve) => {
      client.socket.on("error", () => resolve());
    });
    const asking = (async () => {
      for (let round = 0; round < 200 && server.connection?.isOpen !== false; round++) {
        client.more(...ask());
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    await Promise.race([closed, asking]);
    expect(server.connection?.isOpen).toBe(false);
  });
});

describe("the content of a request", () => {
  it("a paused stream keeps at most its window, and passes it on when it is resumed", async () => {
    let received = 0;
    let hasEnded = false;
    await using server = await openHttp2Server((stream) => {
      stream.pause();
      stream.listen({
        ...ignored,
        onContent(piece) {
          received += piece.length;
        },
        onEnd() {
          hasEnded = true;
        },
      });
    });
    const client = server.open();
    const pieces = Array.from({ length: 16 }, () => data(1, "x".repeat(16_384)));
    client.begin(post(1), ...pieces, rawFrame(frames.PING, 0, 0, Buffer.alloc(8)));
    await client.frame(({ type }) => type === frames.PING);
    expect(received).toBe(0);
    server.streams[0]?.resume();
    await client.frame(({ type, stream }) => type === frames.WINDOW_UPDATE && stream === 1);
    expect(received).toBe(STREAM_WINDOW_BYTES);
    client.more(data(1, "the end", true));
    await expect.poll(() => hasEnded).toBe(true);
    expect(received).toBe(STREAM_WINDOW_BYTES + 7);
  });

  it("many small pieces are kept in few blocks of memory", async () => {
    const pieces: Buffer[] = [];
    await using server = await openHttp2Server((stream) => {
      stream.pause();
      stream.listen({ ...ignored, onContent: (piece) => pieces.push(piece) });
    });
    const client = server.open();
    const sent = Array.from({ length: 5_000 }, (_, at) => String(at % 10));
    client.begin(
      post(1),
      ...sent.map((text) => data(1, text)),
      rawFrame(frames.PING, 0, 0, Buffer.alloc(8)),
    );
    await client.frame(({ type }) => type === frames.PING);
    server.streams[0]?.resume();
    expect([pieces.length, Buffer.concat(pieces).toString()]).toEqual([1, sent.join("")]);
  });

  it("a client that sends more than the window of a stream loses the stream", async () => {
    await using server = await openHttp2Server((stream) => stream.pause());
    const client = server.open();
    client.begin(post(1), ...Array.from({ length: 17 }, () => data(1, "x".repeat(16_384))));
    const { payload } = await client.frame(({ type }) => type === frames.RST_STREAM);
    expect(payload.readUInt32BE(0)).toBe(frames.FLOW_CONTROL_ERROR);
    expect(server.connection?.isOpen).toBe(true);
  });

  it("a client that sends more than the window of the connection loses it", async () => {
    await using server = await openHttp2Server((stream) => stream.pause());
    const client = server.open();
    const full = CONNECTION_WINDOW_BYTES / STREAM_WINDOW_BYTES;
    for (let at = 0; at <= full; at++) {
      const id = 2 * at + 1;
      const parts = Array.from({ length: 16 }, () => data(id, "x".repeat(16_384)));
      if (at === 0) client.begin(post(id), ...parts);
      else client.more(post(id), ...parts);
    }
    const { payload } = await client.frame(({ type }) => type === frames.GOAWAY);
    expect(payload.readUInt32BE(4)).toBe(frames.FLOW_CONTROL_ERROR);
  });

  it("content that is read makes place for more, with its padding", async () => {
    let received = 0;
    await using server = await openHttp2Server((stream) => {
      stream.listen({
        ...ignored,
        onContent(piece) {
          received += piece.length;
        },
        onEnd() {
          stream.respond(OK, true);
        },
      });
    });
    const client = server.open();
    client.begin(post(1));
    const padded = rawFrame(
      frames.DATA,
      frames.PADDED,
      1,
      Buffer.concat([Buffer.of(255), Buffer.alloc(1_000 + 255)]),
    );
    // Four times each window, as fast as it is widened.
    let allowed = STREAM_WINDOW_BYTES;
    let granted = 0;
    for (let sent = 0; sent < 4 * CONNECTION_WINDOW_BYTES; sent += 1_256) {
      while (allowed < 1_256) {
        const widened = client.frames.filter(
          ({ type, stream }) => type === frames.WINDOW_UPDATE && stream === 1,
        );
        const bytes = widened.reduce((sum, { payload }) => sum + payload.readUInt32BE(0), 0);
        allowed += bytes - granted;
        granted = bytes;
        if (allowed < 1_256) await once(client.socket, "data");
      }
      client.more(padded);
      allowed -= 1_256;
    }
    client.more(data(1, "", true));
    await client.frame(({ type }) => type === frames.HEADERS);
    expect(received).toBe(Math.ceil((4 * CONNECTION_WINDOW_BYTES) / 1_256) * 1_000);
  });
});

describe("a server that closes a connection", () => {
  it("open streams are completed, later ones are not begun", async () => {
    await using server = await openHttp2Server((stream) => stream.listen(ignored));
    const client = server.open();
    client.begin(get(1), get(3));
    await expect.poll(() => server.streams.length).toBe(2);
    server.connection?.close();
    const { payload } = await client.frame(({ type }) => type === frames.GOAWAY);
    expect([payload.readUInt32BE(0), payload.readUInt32BE(4)]).toEqual([3, frames.NO_ERROR]);
    client.more(post(5), data(5, "x"), widen(5, 1), rawFrame(frames.PING, 0, 0, Buffer.alloc(8)));
    await client.frame(({ type }) => type === frames.PING);
    for (const stream of server.streams) {
      stream.respond(OK);
      stream.end(Buffer.from("late"));
    }
    await client.closed;
    expect([server.streams.length, contentOf(client, 1), contentOf(client, 3)]).toEqual([
      2,
      "late",
      "late",
    ]);
  });

  it("a connection without streams ends at once", async () => {
    await using server = await openHttp2Server(answerWith(""));
    const client = server.open();
    client.begin();
    await client.frame(({ type }) => type === frames.SETTINGS);
    server.connection?.close();
    await client.closed;
    expect(client.frames.at(-1)?.type).toBe(frames.GOAWAY);
  });
});

it("more streams at once than allowed are refused, and may be repeated", async () => {
  await using server = await openHttp2Server((stream) => stream.listen(ignored));
  const client = server.open();
  client.begin(...Array.from({ length: 1_001 }, (_, at) => post(2 * at + 1)));
  const { stream, payload } = await client.frame(({ type }) => type === frames.RST_STREAM);
  expect([stream, payload.readUInt32BE(0)]).toEqual([2_001, frames.REFUSED_STREAM]);
});

it("a list of fields over the limit reaches the server as too long", async () => {
  const read: unknown[] = [];
  await using server = await openHttp2Server((stream, headers) => {
    read.push(headers);
    stream.listen(ignored);
    stream.respond(OK, true);
  });
  const client = server.open();
  // An entry of the table, and 300 references to it.
  const entry = encodeFields({ ":method": "GET", ":scheme": "http", ":path": "/" });
  const added = Buffer.concat([Buffer.from([0x40, 1, 0x61, 127, 0]), Buffer.alloc(127, "x")]);
  const bomb = Buffer.concat([entry, added, Buffer.alloc(300, 0xbe)]);
  client.begin(rawFrame(frames.HEADERS, 5, 1, bomb), get(3, { b: "c" }));
  await client.frame(({ type, stream }) => type === frames.HEADERS && stream === 3);
  expect(read).toMatchObject(["too long", { b: "c" }]);
});
