import { once } from "node:events";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
} from "node:http2";
import { connect } from "node:net";
import { attachLink, ignoredEvents, LINK_UPGRADE, OUTSIDE, PAYLOAD_JSON } from "@leveros/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { leverMessages } from "../harness/grpc-peer.ts";
import { callMethod } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

const REPLY_BYTES = 4 * 1024 * 1024;
const service = `
const reply = Buffer.alloc(${REPLY_BYTES}, 1);
exports.large = () => reply;
exports.hi = () => "hi";
exports.pushChan = async function* () { for (;;) yield reply.subarray(0, 65536); };
`;

let lever: RunningLever;
let session: ClientHttp2Session;

beforeAll(async () => {
  const limits = [`bufferedReplyBytesMax=${3.5 * REPLY_BYTES}`, "unreadTimeoutMs=1500"];
  lever = await startLever({ args: limits.flatMap((limit) => ["--limit", limit]), workers: 1 });
  await deployService(lever, testService(service, { name: "svc", maxInstances: 1 }));
  session = connectHttp2(lever.origin);
  session.on("error", () => {});
});

afterAll(async () => {
  session.destroy();
  await lever.stop();
});

const PATH = "/svc/large?forceenv=dev.lever";
const HI = "/svc/hi?forceenv=dev.lever";
const headers = { "content-type": "application/json" };

/** Calls `large`, and reads nothing of the reply. */
async function unread(): Promise<[status: unknown, ClientHttp2Stream]> {
  const stream = session.request({ ":method": "POST", ":path": PATH, ...headers });
  stream.on("error", () => {});
  stream.end("[]");
  const [head] = (await once(stream, "response")) as [Record<string, unknown>];
  return [head[":status"], stream];
}

/** The code with which a stream is cut. */
const cutCode = (stream: ClientHttp2Stream): Promise<unknown> =>
  new Promise((resolve) => stream.on("close", () => resolve(stream.rstCode)));

it("a caller whose gRPC replies of 12 MB wait makes further calls on its connection", async () => {
  const message = leverMessages.rpc.serialize({ args: {} });
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  const unreadStreams = Array.from({ length: 3 }, () => {
    const stream = session.request({
      ":method": "POST",
      ":path": "/core.LeverRPC/HandleRPC",
      "content-type": "application/grpc",
      "lever-url": "lever://dev.lever/svc/large",
    });
    stream.on("error", () => {});
    stream.end(Buffer.concat([prefix, message]));
    return stream;
  });
  await Promise.all(unreadStreams.map((stream) => once(stream, "response")));
  const further = session.request({ ":method": "POST", ":path": HI, ...headers });
  further.end("[]");
  const [head] = (await once(further, "response")) as [Record<string, unknown>];
  further.resume();
  expect(head[":status"]).toBe(200);
  expect(await Promise.all(unreadStreams.map(cutCode))).toEqual([2, 2, 2]);
});

describe("replies over HTTP/2 that nobody reads", () => {
  let statuses: unknown[];
  let small: number;
  let cut: unknown[];
  let afterwards: unknown;

  beforeAll(async () => {
    const opened = [await unread(), await unread(), await unread(), await unread()];
    statuses = opened.map(([status]) => status);
    small = (await callMethod(lever.address, "/svc/hi", [])).status;
    cut = await Promise.all(
      opened.slice(0, 3).map(async ([, stream]) => {
        return await cutCode(stream);
      }),
    );
    const [status, stream] = await unread();
    afterwards = status;
    stream.resume();
    await new Promise((resolve) => stream.on("close", resolve));
  });

  it("large replies that nobody reads take no more memory than the limit", () => {
    expect(statuses).toEqual([200, 200, 200, 503]);
  });

  it("a small call is answered while large replies wait", () => {
    expect(small).toBe(200);
  });

  it("a stream of HTTP/2 whose reply nobody reads is cut", () => {
    expect(cut).toEqual([2, 2, 2]);
  });

  it("a large reply is sent once unread ones are cut", () => {
    expect(afterwards).toBe(200);
  });
});

it("an HTTP/1.1 connection that reads nothing is closed", async () => {
  const socket = connect(Number(lever.address.split(":")[1]), "127.0.0.1");
  socket.on("error", () => {});
  socket.pause();
  const call = `POST ${PATH} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n[]`;
  // What the system buffers between two sockets of one machine is more than one reply.
  const CALLS = 16;
  socket.write(call.repeat(CALLS));
  await lever.event("unread reply dropped", {}, { after: "now" });
  let bytes = 0;
  socket.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
  });
  socket.resume();
  await once(socket, "close");
  expect(bytes).toBeLessThan(CALLS * REPLY_BYTES);
});

it("a link that reads nothing is closed, and its replies count together", async () => {
  const socket = connect(Number(lever.address.split(":")[1]), "127.0.0.1");
  socket.on("error", () => {});
  socket.write(
    `GET / HTTP/1.1\r\nhost: dev.lever\r\nconnection: Upgrade\r\nupgrade: ${LINK_UPGRADE}\r\n\r\n`,
  );
  await once(socket, "data");
  const link = attachLink(socket, {
    side: "dialler",
    messageBytesMax: REPLY_BYTES,
    callsMax: 1,
    onCall: () => ignoredEvents,
    onControl() {},
    onClose() {},
  });
  socket.pause();
  const target = { environment: "dev.lever", service: "svc", resource: "", method: "large" };
  const call = {
    caller: OUTSIDE,
    target,
    isStream: false,
    timeoutMs: 0,
    kind: PAYLOAD_JSON,
  } as const;
  for (let i = 0; i < 16; i++) {
    link.open({ ...call, body: Buffer.from("[]") }, ignoredEvents, false);
  }
  const dropped = await lever.event("unread reply dropped", {}, { after: "now" });
  const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  socket.resume();
  await closed;
  expect(dropped["bytes"]).toBeGreaterThan(REPLY_BYTES);
  expect(dropped["bytes"]).toBeLessThan(4 * REPLY_BYTES);
});
