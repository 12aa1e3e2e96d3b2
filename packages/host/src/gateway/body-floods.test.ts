import { once } from "node:events";
import { connect as connectHttp2, type IncomingHttpHeaders } from "node:http2";
import { connect, type Socket } from "node:net";
import {
  attachLink,
  closedSide,
  defaultLimits,
  ignoredEvents,
  LeverError,
  LINK_UPGRADE,
  OUTSIDE,
  PAYLOAD_BYTES,
  PAYLOAD_JSON,
} from "@leveros/protocol";
import { afterEach, beforeEach, expect, it } from "vitest";
import { WebSocket } from "ws";
import { TokenIndex } from "../access/token-index.ts";
import { systemClock } from "../clock.ts";
import type { CallRouter } from "../router/call.ts";
import { Sites } from "../router/sites.ts";
import { openGateway } from "./gateway.ts";
import type { Listener } from "./listener.ts";
import { Readiness } from "./platform/readiness.ts";

const MB = 1_000_000;
const BUDGET_BYTES = 2 * MB;
let gateway: Listener;
let sockets: Socket[];

/** Answers each call at once with the length of its body. */
const router: CallRouter = {
  sites: new Sites(),
  environment: (name) =>
    name === "dev.lever"
      ? { access: { corsOrigins: new Set(["*"]), kind: "services", isPublic: false } }
      : undefined,
  refusal: ({ target: { environment, method } }) =>
    environment === "dev.lever" && method !== "nothing" && method !== "nothingChan"
      ? undefined
      : new LeverError("unknown_method", "There is no such method."),
  open(request, listener) {
    const refusal = router.refusal(request);
    if (refusal !== undefined) listener.onAbort(refusal);
    else if (!request.isStream) {
      listener.onMessage(PAYLOAD_JSON, Buffer.from(`${request.body.length}`));
      listener.onEnd();
    }
    return closedSide;
  },
};

beforeEach(async () => {
  sockets = [];
  gateway = await openGateway({
    bind: "127.0.0.1",
    port: 0,
    router,
    access: new TokenIndex({ wallTime: () => 0, isLocalOnly: true }),
    limits: { ...defaultLimits, bufferedBodyBytesMax: BUDGET_BYTES },
    readiness: new Readiness(),
    certificate: undefined,
    clock: systemClock,
    log: () => {},
  });
});

afterEach(async () => {
  gateway.destroyConnections();
  await gateway.close();
});

/** A connection that sends these bytes, and then nothing. */
function open(...parts: readonly (string | Uint8Array)[]): Socket {
  const socket = connect(gateway.port, "127.0.0.1");
  socket.on("error", () => {});
  for (const part of parts) socket.write(part);
  sockets.push(socket);
  return socket;
}

const head = (bytes: number, method = "echo", ...fields: string[]): string =>
  `POST /svc/${method} HTTP/1.1\r\nhost: dev.lever\r\ncontent-length: ${bytes}\r\n${fields.map((field) => `${field}\r\n`).join("")}\r\n`;

/** The status of a call with a body of so many bytes. */
async function callStatus(bytes: number): Promise<number> {
  const [answer] = (await once(open(head(bytes), Buffer.alloc(bytes)), "data")) as [Buffer];
  return Number(answer.toString("latin1", 9, 12));
}

/** Resolves when large bodies are refused, because others hold all bytes. */
async function untilFull(): Promise<void> {
  await expect.poll(() => callStatus(1.5 * MB), { timeout: 5_000 }).toBe(503);
}

it("callers that only announce large bodies hold nothing", async () => {
  const flood = Array.from({ length: 128 }, () => open(head(4_194_304)));
  await Promise.all(flood.map((socket) => once(socket, "connect")));
  expect(await callStatus(1.9 * MB)).toBe(200);
});

it("a small body is accepted while bodies that do not arrive hold all bytes", async () => {
  for (const _ of [1, 2]) open(head(4 * MB), Buffer.alloc(0.9 * MB));
  await untilFull();
  expect(await callStatus(16_384)).toBe(200);
});

it("many small bodies that do not arrive leave large ones their place", async () => {
  const flood = Array.from({ length: 200 }, () => open(head(16_384), Buffer.alloc(16_383)));
  await Promise.all(flood.map((socket) => once(socket, "connect")));
  expect(await callStatus(1.9 * MB)).toBe(200);
});

it("a caller that disconnects releases what it held", async () => {
  const flood = [1, 2].map(() => open(head(4 * MB), Buffer.alloc(0.9 * MB)));
  await untilFull();
  for (const socket of flood) socket.destroy();
  await expect.poll(() => callStatus(1.9 * MB)).toBe(200);
});

const prefix = (bytes: number): Buffer => {
  const buffer = Buffer.alloc(5);
  buffer.writeUInt32BE(bytes, 1);
  return buffer;
};
const grpcHeaders = (path: string, method: string, service = "dev.lever/svc"): object => ({
  ":path": `/core.LeverRPC/${path}`,
  "content-type": "application/grpc",
  "lever-url": `lever://${service}/${method}`,
});
const httpHeaders = (method: string): object => ({
  ":path": `/svc/${method}`,
  ":authority": "dev.lever",
});

function stream(headers: object, ...parts: readonly Uint8Array[]) {
  const session = connectHttp2(`http://127.0.0.1:${gateway.port}`);
  session.on("error", () => {});
  const opened = session.request({ ":method": "POST", ...headers });
  opened.on("error", () => {});
  for (const part of parts) opened.write(part);
  return opened;
}

async function webSocket(method: string, ...headers: object[]): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/svc/${method}`, {
    headers: Object.assign({ host: "dev.lever" }, ...headers) as Record<string, string>,
  });
  socket.on("error", () => {});
  await once(socket, "open");
  return socket;
}

async function link(service: string, method: string, bytes: number): Promise<string> {
  const socket = open(
    `GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: ${LINK_UPGRADE}\r\n\r\n`,
  );
  await once(socket, "data");
  return await new Promise((resolve) => {
    const attached = attachLink(socket, {
      side: "dialler",
      messageBytesMax: defaultLimits.bodyBytesMax,
      callsMax: 0,
      onCall: () => ignoredEvents,
      onControl() {},
      onClose() {},
    });
    const target = { environment: "dev.lever", service, resource: "", method };
    const call = { caller: OUTSIDE, target, isStream: false, timeoutMs: 0, kind: PAYLOAD_BYTES };
    const events = {
      ...ignoredEvents,
      onMessage: () => resolve("answered"),
      onAbort: (error: LeverError) => resolve(error.code),
    };
    attached.open({ ...call, kind: PAYLOAD_BYTES, body: Buffer.alloc(bytes) }, events, false);
  });
}

const line = Buffer.alloc(0.9 * MB, "x");

it.each<[string, () => unknown]>([
  [
    "bodies over HTTP/1.1 in chunks",
    () =>
      open(
        "POST /svc/echo HTTP/1.1\r\nhost: dev.lever\r\ntransfer-encoding: chunked\r\n\r\n",
        `${line.length.toString(16)}\r\n`,
        line,
      ),
  ],
  ["bodies over HTTP/2", () => stream(httpHeaders("echo"), line)],
  [
    "lines of streams",
    () => open(head(4 * MB, "echoChan", "content-type: application/json"), line),
  ],
  ["messages over gRPC", () => stream(grpcHeaders("HandleRPC", "echo"), prefix(3 * MB), line)],
  [
    "messages of gRPC streams",
    () => stream(grpcHeaders("HandleStreamingRPC", "echoChan"), prefix(3 * MB), line),
  ],
  [
    "messages of WebSockets",
    async () => {
      const socket = await webSocket("echoChan");
      socket.send(line, { fin: false });
    },
  ],
])("%s that do not end are counted as they arrive", async (_name, send) => {
  await send();
  expect(await callStatus(1_000_000)).toBe(200);
  await send();
  await untilFull();
  expect(await callStatus(16_384)).toBe(200);
  expect(await link("svc", "echo", 16_384)).toBe("answered");
  expect(await link("svc", "echo", 1.5 * MB)).toBe("overloaded");
});

const announced = 4_194_304;

/** The statuses of heads whose bodies do not arrive. */
it.each<[string, number | string, () => Promise<unknown>]>([
  ["a plain call of an unknown method", 404, () => statusOf(head(announced, "nothing"))],
  [
    "a plain call with a wrong token",
    401,
    () => statusOf(head(announced, "echo", "authorization: Bearer wrong")),
  ],
  [
    "a page's call of an unknown method",
    404,
    () => statusOf(head(announced, "nothing", "origin: https://app.example")),
  ],
  [
    "a stream of an unknown method",
    404,
    () => statusOf(head(announced, "nothingChan", "content-type: application/json")),
  ],
  [
    "a call over HTTP/2 with a wrong token",
    401,
    async () =>
      (await response(stream({ ...httpHeaders("echo"), authorization: "Bearer wrong" })))[
        ":status"
      ],
  ],
  [
    "a call over HTTP/2 of an unknown method",
    404,
    async () => (await response(stream(httpHeaders("nothing"))))[":status"],
  ],
  [
    "a call over gRPC of an unknown method",
    "unknown_method",
    async () => (await response(stream(grpcHeaders("HandleRPC", "nothing"))))["lever-code"],
  ],
  [
    "a gRPC stream of an unknown method",
    "unknown_method",
    async () =>
      (await response(stream(grpcHeaders("HandleStreamingRPC", "nothingChan"))))["lever-code"],
  ],
  [
    "a call over gRPC of an unknown environment",
    "unknown_method",
    async () =>
      (await response(stream(grpcHeaders("HandleRPC", "echo", "no.lever/svc"))))["lever-code"],
  ],
  [
    "a WebSocket of an unknown method",
    4404,
    async () => ((await once(await webSocket("nothingChan"), "close")) as [number])[0],
  ],
  [
    "a call over a client link of an unknown method",
    "unknown_method",
    () => link("svc", "nothing", 100_000),
  ],
])("%s is refused by its head", async (_name, status, answer) => {
  expect(await answer()).toBe(status);
});

async function statusOf(text: string): Promise<number> {
  const [answer] = (await once(open(text), "data")) as [Buffer];
  expect(String(answer)).toContain("application/problem+json");
  return Number(answer.toString("latin1", 9, 12));
}

async function response(of: ReturnType<typeof stream>): Promise<IncomingHttpHeaders> {
  const [headers] = (await once(of, "response")) as [IncomingHttpHeaders];
  return headers;
}
