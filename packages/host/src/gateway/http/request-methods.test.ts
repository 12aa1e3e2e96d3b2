import { once } from "node:events";
import * as http2 from "node:http2";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { request } from "../../../../../tests/harness/raw-http.ts";
import { openTestGateway, type TestGateway } from "../../../../../tests/harness/test-gateway.ts";

let gateway: TestGateway;
let session: http2.ClientHttp2Session;

beforeAll(async () => {
  gateway = await openTestGateway();
  session = http2.connect(`http://127.0.0.1:${gateway.port}`);
});

afterAll(async () => {
  session.close();
  await gateway[Symbol.asyncDispose]();
});

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly fields?: Readonly<Record<string, string>>;
}

interface Head {
  readonly status: number;
  readonly allow: string | undefined;
  /** Everything after the head. */
  readonly body: string;
  /** Statuses of the interim answers before it. */
  readonly interim: readonly number[];
}

async function overHttp1({ method, path, fields = {} }: Sent): Promise<Head> {
  const body = method === "POST" ? "[1]" : "";
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`);
  const text = await gateway.raw(
    request(
      `${method} ${path} HTTP/1.1`,
      ["host: dev.lever", "connection: close", "content-type: application/json", ...lines],
      body,
    ),
  );
  const heads = text.split("\r\n\r\n");
  const head = heads.find((part) => !part.startsWith("HTTP/1.1 1")) ?? "";
  return {
    status: Number(head.slice(9, 12)),
    allow: /^allow: (.*)$/im.exec(head)?.[1],
    body: text.slice(text.indexOf(head) + head.length + 4),
    interim: heads
      .filter((part) => part.startsWith("HTTP/1.1 1"))
      .map((part) => Number(part.slice(9, 12))),
  };
}

async function overHttp2({ method, path, fields = {} }: Sent): Promise<Head> {
  const stream = session.request({
    ":method": method,
    ":path": path,
    ":authority": "dev.lever",
    "content-type": "application/json",
    ...fields,
  });
  const interim: number[] = [];
  stream.on("headers", (headers) => interim.push(Number(headers[":status"])));
  let body = "";
  stream.on("data", (chunk: Buffer) => {
    body += chunk.toString();
  });
  if (method === "POST") stream.end("[1]");
  else stream.end();
  const [headers] = (await once(stream, "response")) as [http2.IncomingHttpHeaders];
  await once(stream, "close");
  return {
    status: Number(headers[":status"]),
    allow: headers.allow as string | undefined,
    body,
    interim,
  };
}

const events = { accept: "text/event-stream" };
const REGULAR = "POST, OPTIONS";
const STREAMING = "GET, HEAD, POST, OPTIONS";
const awaited = { expect: "100-Continue" };

describe.each([
  ["HTTP/1.1", overHttp1],
  ["HTTP/2", overHttp2],
])("over %s", (_protocol, send) => {
  it.each<[string, Sent, Partial<Head>]>([
    [
      "a GET of a regular method",
      { method: "GET", path: "/svc/echo" },
      { status: 405, allow: REGULAR },
    ],
    [
      "a PUT of a streaming method",
      { method: "PUT", path: "/svc/echoChan" },
      { status: 405, allow: STREAMING },
    ],
    [
      "a GET without events",
      { method: "GET", path: "/svc/echoChan" },
      { status: 405, allow: STREAMING },
    ],
    [
      "OPTIONS of a regular method",
      { method: "OPTIONS", path: "/svc/echo" },
      { status: 204, allow: REGULAR },
    ],
    [
      "OPTIONS of a streaming method",
      { method: "OPTIONS", path: "/svc/echoChan" },
      { status: 204, allow: STREAMING },
    ],
    [
      "HEAD of a regular method",
      { method: "HEAD", path: "/svc/echo" },
      { status: 405, allow: REGULAR, body: "" },
    ],
    [
      "HEAD of events",
      { method: "HEAD", path: "/svc/waitChan", fields: events },
      { status: 200, body: "" },
    ],
    [
      "a body that is awaited",
      { method: "POST", path: "/svc/echo", fields: awaited },
      { status: 200, body: "[1]", interim: [100] },
    ],
    [
      "a stream that is awaited",
      { method: "POST", path: "/svc/echoChan", fields: awaited },
      { status: 200, body: expect.stringContaining("[1]"), interim: [100] },
    ],
    [
      "a wrong token",
      { method: "POST", path: "/svc/echo", fields: { ...awaited, authorization: "Bearer x" } },
      { status: 401, interim: [] },
    ],
    [
      "an unknown service",
      { method: "POST", path: "/nobody/echo", fields: awaited },
      { status: 404, interim: [] },
    ],
    [
      "HEAD of an unknown service",
      { method: "HEAD", path: "/nobody/echoChan", fields: events },
      { status: 404, body: "" },
    ],
    [
      "another expectation",
      { method: "POST", path: "/svc/echo", fields: { expect: "a-pony" } },
      { status: 417, interim: [] },
    ],
    [
      "two expectations",
      { method: "POST", path: "/svc/echo", fields: { expect: "100-continue, a-pony" } },
      { status: 417, interim: [] },
    ],
  ])("%s gets its status", async (_name, sent, expected) => {
    expect(await send(sent)).toMatchObject(expected);
  });
});

it("a body over the limit is not asked for", async () => {
  const fields = { ...awaited, "content-length": "9999999" };
  const answer = await overHttp1({ method: "POST", path: "/svc/echo", fields });
  expect(answer).toMatchObject({ status: 413, interim: [] });
});

it("an expectation over HTTP/1.0 is ignored", async () => {
  const text = request("POST /svc/echo HTTP/1.0", ["host: dev.lever", "expect: 100-continue"]);
  expect(await gateway.raw(text)).toMatch(/^HTTP\/1\.1 200 /);
});

it("HEAD calls nothing", async () => {
  await overHttp1({ method: "HEAD", path: "/svc/waitChan", fields: events });
  expect(gateway.waiting).toEqual([]);
});
