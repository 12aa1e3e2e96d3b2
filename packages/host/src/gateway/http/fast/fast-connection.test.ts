import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import {
  type CallHandle,
  type CallListener,
  type CallRequest,
  closedSide,
  defaultLimits,
  LeverError,
  PAYLOAD_JSON,
} from "@leveros/protocol";
import { afterEach, beforeEach, expect, it } from "vitest";
import { TokenIndex } from "../../../access/token-index.ts";
import { systemClock } from "../../../clock.ts";
import { Sites } from "../../../router/sites.ts";
import { Admission } from "../../admission/admit-call.ts";
import { BodyBudget } from "../../body-budget.ts";
import { Readiness } from "../../platform/readiness.ts";
import { FileCache } from "../../sites/files/file-cache.ts";
import { UnreadReplies } from "../../unread-replies.ts";
import { FastConnections } from "./door.ts";

const overloaded = new LeverError("overloaded", "Cannot accept the call.");

/** The calls that reached the router, each with its listener. `refuse` ends a call before it is open. */
class FakeRouter {
  readonly sites: Sites = new Sites();
  readonly calls: { readonly request: CallRequest; readonly reply: CallListener }[] = [];
  readonly aborted: string[] = [];
  refuse: (request: CallRequest) => boolean = () => false;
  answersAtOnce = false;

  environment(): undefined {}

  refusal(): undefined {}

  open(request: CallRequest, reply: CallListener): CallHandle {
    if (this.refuse(request)) {
      reply.onAbort(overloaded);
      return closedSide;
    }
    this.calls.push({ request, reply });
    if (this.answersAtOnce) queueMicrotask(() => this.answer());
    const { method } = request.target;
    return { ...closedSide, abort: () => this.aborted.push(method) };
  }

  /** Answers the oldest call with its own body. */
  answer(): void {
    const call = this.calls.shift();
    call?.reply.onMessage(PAYLOAD_JSON, call.request.body);
    call?.reply.onEnd();
  }
}

let router: FakeRouter;
let fast: FastConnections;
let server: Server;
let handedOver: Socket[];
let replies: UnreadReplies;

beforeEach(async () => {
  router = new FakeRouter();
  handedOver = [];
  const access = new TokenIndex({ wallTime: () => 0, isLocalOnly: true });
  const limits = defaultLimits;
  const readiness = new Readiness();
  replies = new UnreadReplies({ connections: [], limits, clock: systemClock, log: () => {} });
  fast = new FastConnections(
    {
      admission: new Admission({ router, access, limits }),
      router,
      limits,
      budget: new BodyBudget(limits.bufferedBodyBytesMax),
      files: new FileCache(),
      replies,
      readiness,
      isSecure: false,
      closing: readiness.stopping,
      clock: systemClock,
      log: () => {},
    },
    (socket) => handedOver.push(socket),
  );
  server = createServer((socket) => fast.take(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});

afterEach(() => {
  fast.close();
  replies.close();
  for (const socket of handedOver) socket.destroy();
  server.close();
});

const post = (method: string, body = "[]", ...fields: string[]): string =>
  [
    `POST /svc/${method} HTTP/1.1`,
    "host: dev.lever",
    `content-length: ${body.length}`,
    ...fields,
    "",
    body,
  ].join("\r\n");

function open(...texts: string[]): { socket: Socket; received: () => string } {
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  let received = "";
  socket.on("data", (chunk: Buffer) => {
    received += chunk.toString();
  });
  for (const text of texts) socket.write(text);
  return { socket, received: () => received };
}

const statuses = (received: string): number[] =>
  [...received.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));

it("P1: a pipelined request is called after the one before it is answered", async () => {
  const { socket, received } = open(post("a", "[1]") + post("b", "[2]"));
  await expect.poll(() => router.calls.length).toBe(1);
  router.answer();
  expect(router.calls.map(({ request }) => request.target.method)).toEqual(["b"]);
  router.answer();
  await expect.poll(() => statuses(received())).toEqual([200, 200]);
  expect(received()).toMatch(/\[1\].*\[2\]$/s);
  socket.destroy();
});

it("P1: thousands of pipelined requests that are refused at once are all answered", async () => {
  router.refuse = () => true;
  const { socket, received } = open(post("a").repeat(3_000));
  await expect.poll(() => statuses(received()).length, { timeout: 5_000 }).toBe(3_000);
  expect(new Set(statuses(received()))).toEqual(new Set([503]));
  socket.destroy();
});

it("a caller that disconnects cancels its open call, also after a refused one", async () => {
  router.refuse = ({ target }) => target.method === "refused";
  const { socket } = open(post("refused") + post("hangs"));
  await expect.poll(() => router.calls.length).toBe(1);
  socket.destroy();
  await expect.poll(() => router.aborted).toEqual(["hangs"]);
});

it("a request after the last one is not called", async () => {
  const { socket, received } = open(post("a", "[]", "connection: close") + post("b"));
  await expect.poll(() => router.calls.length).toBe(1);
  router.answer();
  await once(socket, "close");
  expect(statuses(received())).toEqual([200]);
  expect(router.calls).toEqual([]);
});

it("a response is sent to its end when the gateway closes", async () => {
  const { socket, received } = open(post("a"));
  await expect.poll(() => router.calls.length).toBe(1);
  socket.pause();
  const body = Buffer.alloc(20_000_000, 0x20);
  router.calls[0]?.reply.onMessage(PAYLOAD_JSON, body);
  router.calls[0]?.reply.onEnd();
  fast.close();
  socket.resume();
  await once(socket, "close");
  expect(received().length).toBeGreaterThan(body.length);
});

it("P2: a request that is not plain goes to Node's server with all after it", async () => {
  const other = "GET / HTTP/1.1\r\nhost: dev.lever\r\nte: x\r\n\r\n";
  const { socket } = open(post("a") + other + post("b"));
  await expect.poll(() => router.calls.length).toBe(1);
  expect(handedOver).toEqual([]);
  router.answer();
  expect(handedOver).toHaveLength(1);
  await expect.poll(() => handedOver[0]?.readableLength).toBe(other.length + post("b").length);
  expect(String(handedOver[0]?.read())).toBe(other + post("b"));
  socket.destroy();
});

it.each([
  ["a preflight", "OPTIONS /svc/a HTTP/1.1\r\nhost: dev.lever\r\n\r\n", 204],
  ["another method", "PUT /svc/a HTTP/1.1\r\nhost: dev.lever\r\ncontent-length: 2\r\n\r\n[]", 405],
  ["a path that names no method", "POST /svc HTTP/1.1\r\nhost: dev.lever\r\n\r\n", 400],
  ["a body in an unknown coding", post("a", "[]", "content-encoding: x"), 415],
])("P2: a connection stays on the fast path after %s", async (_name, other, status) => {
  const { socket, received } = open(post("a") + other + post("b"));
  await expect.poll(() => router.calls.length).toBe(1);
  router.answer();
  await expect.poll(() => router.calls.length).toBe(1);
  router.answer();
  await expect.poll(() => statuses(received())).toEqual([200, status, 200]);
  expect(handedOver).toEqual([]);
  // Nothing of the exchange stays with the connection.
  expect(fast.connections.size).toBe(1);
  socket.destroy();
});

it("the connection closes after another request that is the last one", async () => {
  const last = "OPTIONS /svc/a HTTP/1.1\r\nhost: dev.lever\r\nconnection: close\r\n\r\n";
  const { socket, received } = open(last + post("a"));
  await once(socket, "close");
  expect(received()).toMatch(/^HTTP\/1\.1 204 .*connection: close\r\n/is);
  expect(router.calls).toEqual([]);
});

it.each([
  ["a stream", post("echoChan")],
  ["a WebSocket", "GET /svc/a HTTP/1.1\r\nhost: dev.lever\r\nupgrade: websocket\r\n\r\n"],
  ["a body that has not arrived", post("a", "[]", "content-encoding: gzip").slice(0, -1)],
])("P2: Node's server gets %s", async (_name, text) => {
  const { socket } = open(text);
  await expect.poll(() => handedOver.length).toBe(1);
  socket.destroy();
});

it("a body in pieces is one body", async () => {
  const { socket } = open(post("a", "[12345]").slice(0, -5));
  await expect.poll(() => socket.writableLength).toBe(0);
  for (const character of "2345]") socket.write(character);
  await expect.poll(() => router.calls.length).toBe(1);
  expect(String(router.calls[0]?.request.body)).toBe("[12345]");
  socket.destroy();
});

it("P3: reading stops while a call is open and its caller sends ahead", async () => {
  const ahead = post("b", JSON.stringify("x".repeat(10_000)));
  const count = 2_000;
  const { socket, received } = open(post("a"), ...Array.from({ length: count }, () => ahead));
  await expect.poll(() => router.calls.length).toBe(1);
  let before = -1;
  // The system's buffers take some of it; then nothing moves.
  await expect
    .poll(
      () => {
        const isSame = socket.writableLength === before;
        before = socket.writableLength;
        return isSame;
      },
      { interval: 50 },
    )
    .toBe(true);
  expect(before).toBeGreaterThan(10_000_000);
  router.answersAtOnce = true;
  router.answer();
  const all = { timeout: 20_000, interval: 100 };
  await expect.poll(() => statuses(received()).length, all).toBe(count + 1);
  socket.destroy();
}, 30_000);

it("P3: an answer lets no more be read than what it has made free", async () => {
  const accepted = once(server, "connection");
  const ahead = post("b", JSON.stringify("x".repeat(10_000)));
  const { socket } = open(post("a"), ...Array.from({ length: 1_000 }, () => ahead));
  const [connection] = (await accepted) as [Socket];
  const answers = 100;
  for (let answered = 0; answered < answers; answered++) {
    await expect.poll(() => router.calls.length, { interval: 1 }).toBe(1);
    router.answer();
    // The connection may read.
    await new Promise(setImmediate);
  }
  // One read may exceed the 64 KiB, and Node reads a little ahead, too.
  expect(connection.bytesRead).toBeLessThan((answers + 1) * ahead.length + 256 * 1024);
  socket.destroy();
});
