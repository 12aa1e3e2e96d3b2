import { once } from "node:events";
import * as grpc from "@grpc/grpc-js";
import type { CallRecord } from "@leveros/protocol";
import { Client, type LeverError } from "leveros";
import { afterAll, beforeAll, expect, it } from "vitest";
import { WebSocket } from "ws";
import { adminOf } from "../harness/admin.ts";
import { grpcPeer, toRpc } from "../harness/grpc-peer.ts";
import { httpCall } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { sendRequest } from "../harness/site-client.ts";
import { deployService, testService } from "../harness/test-service.ts";

const service = testService(
  `
    exports.fail = () => { throw new Error("no"); };
    exports.failChan = () => { throw new Error("no"); };
    exports.lateChan = (stream) => { stream.write(1); throw new Error("no"); };
    exports.bytesChan = (stream) => { stream.write(Buffer.from("1")); throw new Error("no"); };
    exports.hangChan = () => new Promise(() => {});
  `,
  { name: "fails" },
);
const site = testService(`exports.fetch = () => { throw new Error("no"); };`, { name: "site" });

let lever: RunningLever;

beforeAll(async () => {
  lever = await startLever({ args: ["--limit", "traceSampledEach=0"] });
  await deployService(lever, service);
  await deployService(lever, site);
});

afterAll(() => lever.stop());

const url = (method: string): string => `lever://dev.lever/fails/${method}`;
const JSON_LINES = { "content-type": "application/x-ndjson" };

/** The id in the head of a response, whose body may break off. */
async function overHttp(method: string, headers: Record<string, string> = {}): Promise<unknown> {
  const answer = await sendRequest("HTTP/1.1", lever.address, {
    method: "POST",
    path: `/fails/${method}?forceenv=dev.lever`,
    headers: { "content-type": "application/json", ...headers },
    body: "[]",
  });
  await answer.read().catch(() => {});
  return answer.headers["lever-call"];
}

async function overHttp2(method: string): Promise<unknown> {
  const path = `/fails/${method}?forceenv=dev.lever`;
  const answer = await sendRequest("HTTP/2", lever.address, {
    method: "POST",
    path,
    headers: JSON_LINES,
    body: "[]",
  });
  await answer.read();
  return answer.headers["lever-call"];
}

/** The id in the response to the upgrade, and in the message with the error. */
async function overWebSocket(method: string, query: string, protocol?: string): Promise<unknown> {
  const path = `/fails/${method}?forceenv=dev.lever${query}`;
  const socket = new WebSocket(`ws://${lever.address}${path}`, protocol);
  const upgraded = once(socket, "upgrade");
  let last = "";
  socket.on("message", (data) => {
    last = String(data);
  });
  socket.on("open", () => socket.send("[]"));
  await once(socket, "close");
  const [response] = await upgraded;
  const id: unknown = response.headers["lever-call"];
  if (protocol === undefined) return id;
  const { call, problem } = JSON.parse(last.slice(1));
  expect(problem?.call ?? call).toBe(id);
  return id;
}

/** The id in the trailers of a call over gRPC. */
async function overGrpc(method: "fail" | "failChan" | "lateChan"): Promise<unknown> {
  const peer = grpcPeer(lever.address);
  try {
    if (method === "fail") return await overUnaryGrpc(peer);
    const stream = peer.stream(url(method));
    const ended = once(stream, "status");
    stream.on("error", () => {});
    stream.resume();
    stream.end({ rpc: toRpc([]) });
    const [status] = await ended;
    return (status as grpc.StatusObject).metadata.get("lever-call")[0];
  } finally {
    peer.close();
  }
}

async function overUnaryGrpc(peer: ReturnType<typeof grpcPeer>): Promise<unknown> {
  let id: unknown;
  const readStatus: grpc.Interceptor = (options, next) =>
    new grpc.InterceptingCall(next(options), {
      start(metadata, _listener, start) {
        start(metadata, {
          onReceiveStatus(status, pass) {
            [id] = status.metadata.get("lever-call");
            pass(status);
          },
        });
      },
    });
  await peer.unary(url("fail"), toRpc([]), { interceptors: [readStatus] });
  return id;
}

/** The id in the error of the client. The second call of a client opens a link. */
async function overLink(method: string): Promise<unknown> {
  const client = new Client({ forceHost: lever.address }).service("dev.lever", "fails");
  const errorOf = async (call: Promise<unknown>): Promise<unknown> =>
    await call.then(undefined, (error: LeverError) => error.call);
  if (!method.endsWith("Chan")) {
    await errorOf(client.invoke(method));
    return await errorOf(client.invoke(method));
  }
  const read = async (): Promise<void> => {
    for await (const _ of await client.invokeChan(method));
  };
  return await errorOf(read());
}

async function overSite(): Promise<unknown> {
  const path = "/site/?forceenv=dev.lever";
  return (await httpCall(lever.address, path, { method: "GET" })).headers["lever-call"];
}

const EVENTS = { accept: "text/event-stream" };
const BY_NODE = { origin: "http://page.example" };

it.each<[string, string, string, () => Promise<unknown>]>([
  ["a plain call over HTTP/1.1", "fail", "method_failed", () => overHttp("fail")],
  ["a call of a page", "fail", "method_failed", () => overHttp("fail", BY_NODE)],
  ["a call over HTTP/2", "fail", "method_failed", () => overHttp2("fail")],
  ["a stream over HTTP/2", "lateChan", "method_failed", () => overHttp2("lateChan")],
  ["lines before the first one", "failChan", "method_failed", () => overHttp("failChan")],
  ["lines after the first one", "lateChan", "method_failed", () => overHttp("lateChan")],
  ["bytes that break off", "bytesChan", "method_failed", () => overHttp("bytesChan")],
  ["events before the first one", "failChan", "method_failed", () => overHttp("failChan", EVENTS)],
  ["events after the first one", "lateChan", "method_failed", () => overHttp("lateChan", EVENTS)],
  ["a WebSocket", "lateChan", "method_failed", () => overWebSocket("lateChan", "")],
  [
    "a WebSocket of the protocol lever",
    "lateChan",
    "method_failed",
    () => overWebSocket("lateChan", "", "lever"),
  ],
  [
    "a deadline over a WebSocket",
    "hangChan",
    "deadline_exceeded",
    () => overWebSocket("hangChan", "&timeout=1", "lever"),
  ],
  ["a call over gRPC", "fail", "method_failed", () => overGrpc("fail")],
  ["a stream over gRPC", "failChan", "method_failed", () => overGrpc("failChan")],
  ["a stream over gRPC with a message", "lateChan", "method_failed", () => overGrpc("lateChan")],
  ["a call over the client's link", "fail", "method_failed", () => overLink("fail")],
  ["a stream over the client's link", "lateChan", "method_failed", () => overLink("lateChan")],
  ["a request to a site", "fetch", "method_failed", overSite],
])("the error of %s names its call", async (_name, method, outcome, fail) => {
  const id = await fail();
  const failed = await adminOf(lever).invoke("listCalls", "dev.lever", { errors: true });
  expect((failed as readonly CallRecord[]).at(-1)).toMatchObject({ id, method, outcome });
});
