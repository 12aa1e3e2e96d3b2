import { once } from "node:events";
import { connect as connectHttp2, type IncomingHttpHeaders } from "node:http2";
import { connect, type Socket } from "node:net";
import {
  attachLink,
  defaultLimits,
  ignoredEvents,
  type LeverError,
  LINK_UPGRADE,
  OUTSIDE,
  PAYLOAD_JSON,
} from "@leveros/protocol";
import { afterAll, beforeAll, expect, it } from "vitest";
import { WebSocket } from "ws";
import { TokenIndex } from "../access/token-index.ts";
import { systemClock } from "../clock.ts";
import { Sites } from "../router/sites.ts";
import { openGateway } from "./gateway.ts";
import type { Listener } from "./listener.ts";
import { Readiness } from "./platform/readiness.ts";

const SECRET = "the password is swordfish";
const logged: string[] = [];
let gateway: Listener;

const failing = (): never => {
  throw new Error(SECRET);
};

beforeAll(async () => {
  gateway = await openGateway({
    bind: "127.0.0.1",
    port: 0,
    router: { sites: new Sites(), environment: failing, refusal: failing, open: failing },
    access: new TokenIndex({ wallTime: () => 0, isLocalOnly: true }),
    limits: defaultLimits,
    readiness: new Readiness(),
    certificate: undefined,
    clock: systemClock,
    log: (_level, _part, event, fields) => logged.push(`${event} ${JSON.stringify(fields)}`),
  });
});

afterAll(() => gateway.close());

/** Sends text over a new connection, and returns what comes back until the other side closes. */
async function raw(text: string): Promise<string> {
  const socket = connect(gateway.port, "127.0.0.1");
  socket.setEncoding("utf8").write(text);
  let answer = "";
  socket.on("data", (chunk: string) => {
    answer += chunk;
  });
  await once(socket, "close");
  return answer;
}

const POST = "POST /svc/method HTTP/1.1\r\nhost: dev.lever\r\nconnection: close\r\n";

async function http2(headers: object, body: Uint8Array): Promise<string> {
  const session = connectHttp2(`http://127.0.0.1:${gateway.port}`);
  const stream = session.request({ ":method": "POST", ":path": "/svc/method", ...headers });
  stream.end(body);
  const [answered] = (await once(stream, "response")) as [IncomingHttpHeaders];
  let answer = JSON.stringify(answered);
  stream.on("data", (chunk: Buffer) => {
    answer += String(chunk);
  });
  await once(stream, "close");
  session.close();
  return answer;
}

async function webSocket(...protocols: string[]): Promise<string> {
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/svc/echoChan`, protocols);
  return await new Promise((resolve) => {
    let answer = "";
    socket.on("unexpected-response", (_request, response) => {
      response.on("data", (chunk: Buffer) => resolve(String(chunk)));
    });
    socket.on("message", (data: Buffer) => {
      answer += String(data);
    });
    socket.on("close", (_code, reason) => resolve(`${answer} ${reason}`));
  });
}

async function openLink(): Promise<Socket> {
  const socket = connect(gateway.port, "127.0.0.1");
  socket.write(
    `GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: ${LINK_UPGRADE}\r\n\r\n`,
  );
  await once(socket, "data");
  return socket;
}

async function clientLink(): Promise<string> {
  const socket = await openLink();
  const error = await new Promise<LeverError>((onAbort) => {
    const link = attachLink(socket, {
      side: "dialler",
      messageBytesMax: defaultLimits.bodyBytesMax,
      callsMax: 0,
      onCall: () => ignoredEvents,
      onControl() {},
      onClose() {},
    });
    const target = { environment: "dev.lever", service: "svc", resource: "", method: "method" };
    const body = Buffer.from("[]");
    const call = {
      caller: OUTSIDE,
      target,
      isStream: false,
      timeoutMs: 0,
      kind: PAYLOAD_JSON,
    } as const;
    link.open({ ...call, body }, { ...ignoredEvents, onAbort }, false);
  });
  socket.destroy();
  return `${error.code} ${error.message}`;
}

const grpc = {
  ":path": "/core.LeverRPC/HandleRPC",
  "content-type": "application/grpc",
  "lever-url": "lever://dev.lever/svc/method",
};

it.each<[string, () => Promise<string>]>([
  ["a plain call", () => raw(`${POST}\r\n`)],
  ["a call over HTTP/1.1", () => raw(`${POST}te: trailers\r\n\r\n`)],
  ["a call over HTTP/2", () => http2({ ":authority": "dev.lever" }, Buffer.from("[]"))],
  ["a call over gRPC", () => http2(grpc, Buffer.alloc(5))],
  ["a call over a WebSocket", () => webSocket()],
  ["a call over a WebSocket with the subprotocol", () => webSocket("lever")],
  ["a call over a client link", clientLink],
])("the text of an unexpected error is logged, and not sent: %s", async (_name, call) => {
  logged.length = 0;
  const answer = decodeURIComponent(await call());
  expect(answer).toContain("Cannot carry the call: Lever failed.");
  expect(answer).not.toContain("swordfish");
  expect(logged).toHaveLength(1);
  expect(logged[0]).toMatch(`request failed {"reason":"Error: ${SECRET}\\n    at `);
});
