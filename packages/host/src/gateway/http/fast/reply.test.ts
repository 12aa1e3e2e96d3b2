import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import zlib from "node:zlib";
import { defaultLimits, formatCallId, LeverError, PAYLOAD_JSON } from "@leveros/protocol";
import { afterAll, afterEach, beforeEach, expect, it } from "vitest";
import { systemClock } from "../../../clock.ts";
import { UnreadReplies } from "../../unread-replies.ts";
import { HeadReader } from "./head-reader.ts";
import { KnownHeads } from "./known-heads.ts";
import { FastReply } from "./reply.ts";

let server: Server;
let caller: Socket;
let socket: Socket;

beforeEach(async () => {
  server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  caller = connect((server.address() as AddressInfo).port, "127.0.0.1");
  [socket] = (await once(server, "connection")) as [Socket];
});

afterEach(() => {
  caller.destroy();
  socket.destroy();
  server.close();
});

const tail = "\r\n\r\n";
const replies = new UnreadReplies({
  connections: [],
  limits: defaultLimits,
  clock: systemClock,
  log: () => {},
});
const shared = {
  now: 0,
  isClosing: false,
  sampledEach: 0,
  sampledPerSecondMax: 100,
  keepAliveTail: tail,
  closeTail: tail,
  replies,
};

afterAll(() => replies.close());

it("a compressed response is written before its call is over for the connection", async () => {
  let endings = 0;
  const owner = { onCallEnd: () => endings++ };
  const result = Buffer.from(JSON.stringify("text ".repeat(10_000)));
  const reply = new FastReply(socket, shared, owner);
  reply.begin({ isLast: false, headers: {} }, "gzip", undefined);
  reply.onMessage(PAYLOAD_JSON, result);
  reply.onEnd();
  expect(endings).toBe(0);
  let received = Buffer.alloc(0);
  caller.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
  });
  await expect.poll(() => endings).toBe(1);
  await expect.poll(() => received.length).toBeGreaterThan(200);
  const end = received.indexOf("\r\n\r\n");
  expect(String(received.subarray(0, end))).toContain("content-encoding: gzip");
  expect(zlib.gunzipSync(received.subarray(end + 4)).equals(result)).toBe(true);
});

it("one call in so many is sampled, and its response names it", async () => {
  const reply = new FastReply(socket, { ...shared, sampledEach: 1 }, { onCallEnd: () => {} });
  reply.begin({ isLast: false, headers: {} }, undefined, undefined);
  reply.onMessage(PAYLOAD_JSON, Buffer.from("1"));
  const [head] = (await once(caller, "data")) as [Buffer];
  expect(String(head)).toContain(`lever-call: ${formatCallId(reply.number)}\r\n`);
});

it("a caller that leaves while its response is compressed gets none", async () => {
  let endings = 0;
  const reply = new FastReply(socket, shared, { onCallEnd: () => endings++ });
  reply.begin({ isLast: false, headers: {} }, "br", undefined);
  reply.onMessage(PAYLOAD_JSON, Buffer.alloc(50_000, "1"));
  socket.destroy();
  reply.onEnd();
  await expect.poll(() => endings).toBe(1);
});

it.each<[string | undefined, readonly string[]]>([
  [undefined, []],
  [
    "*",
    [
      "access-control-allow-origin: *",
      "access-control-expose-headers: lever-call, lever-error, retry-after",
    ],
  ],
  [
    "https://app.example",
    [
      "access-control-allow-origin: https://app.example",
      "access-control-expose-headers: lever-call, lever-error, retry-after",
      "vary: origin",
    ],
  ],
])("a response that pages of %s may read has their fields", async (origin, expected) => {
  const reply = new FastReply(socket, shared, { onCallEnd: () => {} });
  const heads: string[] = [];
  caller.on("data", (chunk: Buffer) => heads.push(String(chunk).split("\r\n\r\n", 1)[0] ?? ""));
  for (const answer of [
    () => reply.onMessage(PAYLOAD_JSON, Buffer.from("1")),
    () => reply.onAbort(new LeverError("overloaded", "Cannot accept the call.")),
  ]) {
    const { length } = heads;
    reply.begin({ isLast: false, headers: {} }, undefined, origin);
    answer();
    await expect.poll(() => heads.length).toBe(length + 1);
  }
  for (const head of heads) {
    expect(head.split("\r\n").filter((line) => /^(access-|vary)/.test(line))).toEqual(expected);
  }
});

it.each([
  ["192.0.2.1", "gzip, br", "br"],
  ["2001:db8::1", "gzip", "gzip"],
  ["192.0.2.1", "identity", undefined],
  ["127.0.0.1", "gzip", undefined],
  ["::ffff:127.0.0.1", "gzip", undefined],
  ["::1", "gzip", undefined],
])("a caller at %s that accepts %s gets responses in %s", (remoteAddress, accepted, coding) => {
  const head = `POST /svc/m HTTP/1.1\r\nhost: dev.lever\r\naccept-encoding: ${accepted}\r\n\r\n`;
  const request = new HeadReader(defaultLimits, { remoteAddress }, new KnownHeads()).read(
    Buffer.from(head),
  );
  expect(request).toMatchObject({ headBytes: head.length });
  expect(request).toHaveProperty("coding", coding);
});
