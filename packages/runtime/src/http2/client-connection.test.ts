// One file, although long: all kinds of servers answer the same calls.

import { once } from "node:events";
import http2 from "node:http2";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Http2Connection } from "./client-connection.ts";
import type { Http2Request, RequestListener } from "./client-request.ts";
import {
  encodeFrame,
  encodeNumber,
  GOAWAY,
  HEADERS,
  PING,
  PUSH_PROMISE,
  SETTINGS,
} from "./frame.ts";
import { encodeHeader } from "./header-block.ts";
import type { Headers } from "./header-decoder.ts";

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function listen(server: Server | http2.Http2Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

function connectTo(port: number): Http2Connection {
  const connection = new Http2Connection(port);
  closing.push(() => connection.destroy());
  return connection;
}

const block = (path: string): Buffer =>
  Buffer.concat(
    [
      [":method", "POST"],
      [":scheme", "http"],
      [":path", path],
      [":authority", "test"],
    ].map(([name = "", value = ""]) => encodeHeader(name, value)),
  );

interface Answer {
  readonly headers: readonly Headers[];
  readonly content: Buffer;
  readonly code: number | undefined;
}

class Call implements RequestListener {
  readonly request: Http2Request;
  readonly #answer = Promise.withResolvers<Answer>();
  readonly #headers: Headers[] = [];
  readonly #content: Buffer[] = [];
  #onWritable = (): void => {};
  bytes = 0;

  constructor(connection: Http2Connection, path: string) {
    this.request = connection.request(block(path), this);
  }

  get answer(): Promise<Answer> {
    return this.#answer.promise;
  }

  /** Writes as fast as the other side reads. */
  async writeAll(pieces: Iterable<Buffer>): Promise<void> {
    for (const piece of pieces) {
      const writable = new Promise<void>((resolve) => {
        this.#onWritable = resolve;
      });
      if (!this.request.write(piece)) await writable;
    }
    this.request.end();
  }

  onHeaders(headers: Headers): void {
    this.#headers.push({ ...headers });
  }

  onContent(piece: Buffer): void {
    this.bytes += piece.length;
    this.#content.push(Buffer.from(piece));
  }

  onWritable(): void {
    this.#onWritable();
  }

  onClosed(code: number | undefined): void {
    this.#answer.resolve({ headers: this.#headers, content: Buffer.concat(this.#content), code });
  }
}

/** One request with this content. */
function send(connection: Http2Connection, path: string, content = ""): Promise<Answer> {
  const call = new Call(connection, path);
  call.request.end(Buffer.from(content));
  return call.answer;
}

const text = ({ content }: Answer): string => content.toString();

describe("a connection to a server of node:http2", () => {
  let server: http2.Http2Server;
  let streams: http2.ServerHttp2Stream[];
  let port: number;

  beforeEach(async () => {
    streams = [];
    server = http2.createServer({ maxSessionMemory: 100 });
    server.on("session", (session) => session.on("error", () => {}));
    server.on("stream", (stream, headers) => {
      streams.push(stream);
      stream.on("error", () => {});
      switch (headers[":path"]) {
        case "/echo":
          stream.respond({ ":status": 200, path: headers[":path"] }, { waitForTrailers: true });
          stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
          stream.pipe(stream);
          return;
        case "/early":
          stream.respond({ ":status": 200 });
          stream.end("no");
          return;
        case "/informed":
          stream.additionalHeaders({ ":status": 103 });
          stream.respond({ ":status": 200 }, { endStream: true });
          return;
        case "/reset":
          stream.close(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM);
          return;
        case "/goaway":
          stream.session?.goaway(0, 1);
          stream.respond({ ":status": 200 });
          stream.end("last");
          return;
        case "/flood":
          stream.respond({ ":status": 200 });
          stream.end(Buffer.alloc(3_000_000, "x"));
          return;
        default:
      }
    });
    port = await listen(server);
  });

  it("a response has headers, content and trailers", async () => {
    const answer = await send(connectTo(port), "/echo", "hello");
    expect(answer.headers).toMatchObject([
      { ":status": "200", path: "/echo" },
      { "grpc-status": "0" },
    ]);
    expect([text(answer), answer.code]).toEqual(["hello", 0]);
  });

  it("content far over every window passes whole in both directions", async () => {
    const call = new Call(connectTo(port), "/echo");
    const pieces = Array.from({ length: 200 }, (_, index) => Buffer.alloc(50_000, index));
    await call.writeAll(pieces);
    const { content } = await call.answer;
    expect(content.equals(Buffer.concat(pieces))).toBe(true);
  });

  it("many requests at once get their own answers", async () => {
    const connection = connectTo(port);
    const names = Array.from({ length: 300 }, (_, index) => `call ${index}`);
    const answers = await Promise.all(names.map((name) => send(connection, "/echo", name)));
    expect(answers.map(text)).toEqual(names);
  });

  it("a paused request receives no more than its window", async () => {
    const connection = connectTo(port);
    const call = new Call(connection, "/flood");
    call.request.pause();
    call.request.end();
    // The answer to a later request arrives after all that the window allows.
    for (let turn = 0; turn < 20; turn++) await send(connection, "/echo", "x");
    expect(call.bytes).toBe(128 * 1024);
    call.request.resume();
    expect((await call.answer).content).toHaveLength(3_000_000);
  });

  it("a response before the end of the content ends the request", async () => {
    const call = new Call(connectTo(port), "/early");
    call.request.write(Buffer.from("something"));
    expect(await call.answer.then(text)).toBe("no");
    expect(call.request.isOver).toBe(true);
  });

  it("an informational response is not the response", async () => {
    const { headers } = await send(connectTo(port), "/informed");
    expect(headers).toMatchObject([{ ":status": "200" }]);
  });

  it("a request that the server resets has the server's code", async () => {
    expect(await send(connectTo(port), "/reset")).toMatchObject({ headers: [], code: 11 });
  });

  it("a request that is reset is over on the server", async () => {
    const call = new Call(connectTo(port), "/nothing");
    call.request.write(Buffer.from("something"));
    const [stream] = (await once(server, "stream")) as [http2.ServerHttp2Stream];
    call.request.reset(8);
    await once(stream, "close");
    expect([stream.rstCode, (await call.answer).code]).toEqual([8, 8]);
  });

  it("a connection that the server leaves takes no request and finishes the open ones", async () => {
    const connection = connectTo(port);
    const [first, second] = await Promise.all([
      send(connection, "/goaway"),
      send(connection, "/nothing"),
    ]);
    expect([text(first), first.code, second.code, connection.isOpen]).toEqual([
      "last",
      0,
      7,
      false,
    ]);
  });

  it("a retired connection closes after its last request", async () => {
    const connection = connectTo(port);
    const answer = send(connection, "/echo", "last");
    const [session] = (await once(server, "session")) as [http2.ServerHttp2Session];
    connection.retire();
    expect([connection.isOpen, text(await answer)]).toEqual([false, "last"]);
    await once(session, "close");
  });

  it("requests of a connection that breaks have no code", async () => {
    const answer = send(connectTo(port), "/nothing");
    const [stream] = (await once(server, "stream")) as [http2.ServerHttp2Stream];
    stream.session?.destroy();
    expect((await answer).code).toBeUndefined();
  });

  it("requests over the server's maximum wait for others to end", async () => {
    const narrow = http2.createServer({ settings: { maxConcurrentStreams: 2 } });
    let open = 0;
    let openMax = 0;
    narrow.on("stream", (stream) => {
      openMax = Math.max(openMax, ++open);
      stream.on("close", () => open--);
      stream.respond({ ":status": 200 });
      stream.pipe(stream);
    });
    const connection = connectTo(await listen(narrow));
    await send(connection, "/", "the settings have arrived");
    const names = Array.from({ length: 20 }, (_, index) => `call ${index}`);
    const answers = await Promise.all(names.map((name) => send(connection, "/", name)));
    expect([answers.map(text), openMax]).toEqual([names, 2]);
  });
});

it("requests to a port where nothing listens have no code", async () => {
  const server = createServer();
  const port = await listen(server);
  server.close();
  expect((await send(connectTo(port), "/")).code).toBeUndefined();
});

describe("a server that breaks the protocol", () => {
  /** Sends a request to a server that answers with these bytes. */
  async function answerTo(bytes: Buffer): Promise<Answer> {
    const server = createServer((socket: Socket) => {
      socket.on("error", () => {});
      socket.resume();
      socket.write(bytes);
    });
    const answer = await send(connectTo(await listen(server)), "/");
    return answer;
  }
  const headers = (payload: Buffer, flags = 5): Buffer => encodeFrame(HEADERS, flags, 1, payload);

  it.each<[string, Buffer]>([
    ["answers in HTTP/1.1", Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")],
    ["pushes a response", encodeFrame(PUSH_PROMISE, 4, 1, encodeNumber(2))],
    ["sends malformed headers", headers(Buffer.from([0xff]))],
    [
      "does not continue its headers",
      Buffer.concat([headers(Buffer.alloc(0), 0), headers(Buffer.alloc(0))]),
    ],
    ["sends a window that is too large", encodeFrame(8, 0, 0, encodeNumber(0x7fff_ffff))],
    [
      "sends a setting that is too large",
      encodeFrame(SETTINGS, 0, 0, Buffer.from([0, 4, 255, 255, 255, 255])),
    ],
    ["sends a short frame", encodeFrame(GOAWAY, 0, 0, Buffer.from([1]))],
  ])("a connection whose server %s breaks", async (_, bytes) => {
    expect((await answerTo(bytes)).code).toBeUndefined();
  });

  it("a connection breaks whose server sends more content than a paused request allows", async () => {
    const content = Array.from({ length: 9 }, () => encodeFrame(0, 0, 1, Buffer.alloc(16_384)));
    const server = createServer((socket: Socket) => {
      socket.on("error", () => {});
      socket.write(Buffer.concat([headers(encodeHeader(":status", "200"), 4), ...content]));
    });
    const call = new Call(connectTo(await listen(server)), "/");
    call.request.pause();
    expect((await call.answer).code).toBeUndefined();
  });

  it("a connection whose server sends pings without end breaks", async () => {
    const pings = Buffer.concat(
      Array.from({ length: 1_000 }, () => encodeFrame(PING, 0, 0, Buffer.alloc(8))),
    );
    const server = createServer((socket: Socket) => {
      socket.on("error", () => {});
      const flood = (): void => {
        while (!socket.destroyed && socket.write(pings));
      };
      socket.on("drain", flood);
      flood();
    });
    expect((await send(connectTo(await listen(server)), "/")).code).toBeUndefined();
  });
});
