import { PAYLOAD_JSON } from "@leveros/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  answersOf,
  type RawAnswer,
  type RawConnection,
  request,
} from "../../../../../tests/harness/raw-http.ts";
import { openTestGateway, type TestGateway } from "../../../../../tests/harness/test-gateway.ts";

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await openTestGateway();
});

afterAll(() => gateway[Symbol.asyncDispose]());

const POST = "POST /svc/echo HTTP/1.1";
const HOST = "host: dev.lever";
const json = "content-type: application/json";

/** A good request before the others brings the connection to the reader that is tested. */
const readers = {
  fast: request(POST, [HOST, json], "[0]"),
  node: request(POST, [HOST, json, "te: trailers"], "[0]"),
};

type Reader = keyof typeof readers;

/** A connection that the reader has, after one answer. */
async function connectTo(reader: Reader, at: TestGateway = gateway): Promise<RawConnection> {
  const connection = at.open();
  await connection.send(readers[reader]);
  await connection.until(/\[0\]$/);
  connection.received = "";
  return connection;
}

const closing = request(POST, [HOST, json, "connection: close"], "[9]");
const last = { status: 200, body: "[9]" };

/** The answers to a request, and to one after it that ends the connection. */
async function answersBy(reader: Reader, text: string): Promise<RawAnswer[]> {
  const connection = await connectTo(reader);
  await connection.send(text);
  await connection.send(closing);
  await connection.closed;
  return answersOf(connection.received);
}

/** Answers the oldest call that waits. */
async function answerWaiting(body: string, at: TestGateway = gateway): Promise<void> {
  await expect.poll(() => at.waiting.length).toBe(1);
  const [call] = at.waiting.splice(0);
  call?.reply.onMessage(PAYLOAD_JSON, Buffer.from(body));
  call?.reply.onEnd();
}

/** Plain, or with a field that only Node's server reads. */
const waitRequest = (reader: Reader, ...fields: string[]): string =>
  request("POST /svc/wait HTTP/1.1", [
    HOST,
    json,
    ...(reader === "node" ? ["te: x"] : []),
    ...fields,
  ]);
const problem = { head: expect.stringMatching(/lever-error: platform\r\n/) };
const bothReaders = Object.keys(readers) as Reader[];

describe.each(bothReaders)("the reader %s", (reader) => {
  it.each<[string, string]>([
    ["an empty line before it", `\r\n${request(POST, [HOST, json])}`],
    ["several empty lines before it", `\r\n\r\n\r\n${request(POST, [HOST, json])}`],
    ["a trailing dot after the host", request(POST, ["host: DEV.lever.", json])],
    ["a trailing dot and a port", request(POST, ["host: dev.lever.:80", json])],
    ["the absolute form", request("POST http://dev.lever/svc/echo HTTP/1.1", [HOST, json])],
    [
      "the absolute form, which counts instead of Host",
      request("POST http://dev.lever:80/svc/echo HTTP/1.1", ["host: other.lever", json]),
    ],
    ["a trailing slash", request("POST /svc/echo/ HTTP/1.1", [HOST, json])],
    ["a deadline of 1.5s", request(POST, [HOST, json, "lever-timeout: 1.5s"])],
    ["a deadline of 1h", request(POST, [HOST, json, "lever-timeout: 1h"])],
    [
      "an upgrade to h2c",
      request(POST, [
        HOST,
        json,
        "connection: Upgrade, HTTP2-Settings",
        "upgrade: h2c",
        "http2-settings: AAMAAABkAARAAAAAAAIAAAAA",
      ]),
    ],
    [
      "an upgrade to an unknown protocol and a chunked body",
      request(
        POST,
        [HOST, json, "connection: upgrade", "upgrade: foo/2, bar", "transfer-encoding: chunked"],
        "3\r\n[1]\r\n0\r\n\r\n",
      ),
    ],
    [
      "an upgrade to WebSocket by POST",
      request(POST, [HOST, json, "connection: upgrade", "upgrade: websocket"]),
    ],
    ["white space around values", request(POST, ["host:\t dev.lever \t", `${json}\t`])],
  ])("the reader answers a request with %s", async (_name, text) => {
    expect(await answersBy(reader, text)).toMatchObject([{ status: 200, body: "[1]" }, last]);
  });

  it.each<[string, string]>([
    ["no host", request(POST, [json])],
    [
      "no host, but an environment",
      request(`${POST.replace(" HTTP", "?forceenv=dev.lever HTTP")}`, [json]),
    ],
    ["two hosts", request(POST, [HOST, HOST, json])],
    ["two hosts of which one is empty", request(POST, ["host:", HOST, json])],
    ["a host with a space", request(POST, ["host: dev .lever", json])],
    ["a host with a path", request(POST, ["host: dev.lever/x", json])],
    ["a host with a user", request(POST, ["host: me@dev.lever", json])],
    ["the absolute form and no host", request("POST http://dev.lever/svc/echo HTTP/1.1", [json])],
    ["the absolute form without a host", request("POST http:///svc/echo HTTP/1.1", [HOST, json])],
    ["an unknown scheme", request("POST ftp://dev.lever/svc/echo HTTP/1.1", [HOST, json])],
    ["a length after U+00A0", request(POST, [HOST, json, "content-length: \xa03"])],
    ["a length before U+00A0", request(POST, [HOST, json, "content-length: 3\xa0"])],
    ["a length after a form feed", request(POST, [HOST, json, "content-length: \f3"])],
    ["a deadline after U+00A0", request(POST, [HOST, json, "lever-timeout: \xa01s"])],
    ["a host after U+00A0", request(POST, ["host: \xa0dev.lever", json])],
  ])("the reader refuses a request with %s", async (_name, text) => {
    const [answer] = await answersBy(reader, text);
    expect(answer).toMatchObject({ status: 400, ...problem });
    expect(answer?.body).toContain('"code":"malformed_request"');
    expect(answer?.head).toContain("content-type: application/problem+json\r\n");
  });

  it.each<[string, string]>([
    ["a line that is no request line", "nonsense\r\n"],
    ["a method in lower case", "post /svc"],
    ["a version that does not exist", "POST /svc/echo HTTP/9.9\r\n"],
    ["a zero byte", "\0"],
    ["a field without a colon", `${POST}\r\n${HOST}\r\nnonsense\r\n`],
    ["a field name with a space", `${POST}\r\n${HOST}\r\nx y: z\r\n`],
    ["a length that is no number", `${POST}\r\n${HOST}\r\ncontent-length: two\r\n`],
    ["two different lengths", `${POST}\r\ncontent-length: 1\r\ncontent-length: 2\r\n`],
    ["a zero byte in a value", `${POST}\r\nx: \0`],
  ])("the reader refuses a head that begins with %s at once", async (_name, text) => {
    const connection = await connectTo(reader);
    await connection.send(text);
    await connection.closed;
    expect(answersOf(connection.received)).toMatchObject([{ status: 400, ...problem }]);
  });

  it("H1: a malformed request does not change the answer before it", async () => {
    const connection = await connectTo(reader);
    await connection.send(`${waitRequest(reader)}nonsense\r\n\r\n`);
    await answerWaiting("[7]");
    await connection.closed;
    expect(answersOf(connection.received)).toMatchObject([
      { status: 200, body: "[7]" },
      { status: 400, ...problem },
    ]);
  });

  it("H1: an answer before CONNECT or a WebSocket comes first", async () => {
    const upgrade = [HOST, "connection: upgrade", "upgrade: websocket"];
    const upgrades = [
      [request("GET /svc/echoChan HTTP/1.1", [...upgrade, "sec-websocket-version: 1"], ""), 400],
      [request("CONNECT dev.lever:80 HTTP/1.1", [HOST], ""), 405],
      [
        request(
          "GET /svc/echoChan HTTP/1.1",
          [...upgrade, "sec-websocket-version: 13", "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA=="],
          "",
        ),
        101,
      ],
    ] as const;
    for (const [text, status] of upgrades) {
      const connection = await connectTo(reader);
      await connection.send(waitRequest(reader) + text);
      await answerWaiting("[7]");
      await connection.until(/\[7\].*\r\n\r\n/s);
      connection.socket.end();
      await connection.closed;
      expect(connection.received).toMatch(/^HTTP\/1\.1 200 /);
      expect(connection.received).toContain(`[7]HTTP/1.1 ${status} `);
    }
  });
});

describe("a request in chunks", () => {
  const chunked = (method: string, chunks: string): string =>
    request(`POST /svc/${method} HTTP/1.1`, [HOST, json, "transfer-encoding: chunked"], chunks);

  it("H2: a malformed chunk after the head of the answer breaks the connection off", async () => {
    const connection = gateway.open();
    await connection.send(chunked("echoChan", "3\r\n[1]\r\n1\r\n\n\r\n"));
    await connection.until(/\[1\]/);
    await connection.send("zz\r\n");
    await connection.closed;
    expect(connection.received.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(connection.received).not.toMatch(/\r\n0\r\n/);
  });

  it.each(["echo", "echoChan"])(
    "a malformed chunk for %s is refused before an answer",
    async (method) => {
      const answer = await gateway.raw(chunked(method, "3\r\n[1]\r\nzz\r\n"));
      expect(answersOf(answer)).toMatchObject([{ status: 400, ...problem }]);
    },
  );

  it("H1: a malformed chunk after a refusal gets no second answer", async () => {
    const connection = gateway.open();
    await connection.send(chunked("echo", "").replace("POST", "PUT"));
    await connection.until(/405/);
    await connection.send("zz\r\n");
    await connection.closed;
    expect(answersOf(connection.received)).toMatchObject([{ status: 405 }]);
  });

  it("H1: a malformed chunk is refused after the answers before it", async () => {
    const connection = gateway.open();
    await connection.send(waitRequest("node") + chunked("echo", "zz\r\n"));
    await answerWaiting("[7]");
    await connection.closed;
    expect(answersOf(connection.received)).toMatchObject([{ body: "[7]" }, { status: 400 }]);
  });
});

it("an upgrade to h2c is ignored for streams and events, too", async () => {
  const upgrade = [HOST, json, "connection: upgrade, close", "upgrade: h2c"];
  const stream = await gateway.raw(request("POST /svc/echoChan HTTP/1.1", upgrade));
  expect(stream).toMatch(/^HTTP\/1\.1 200 .*\[1\]/s);
  const events = request(
    "GET /svc/echoChan?args=%5B2%5D HTTP/1.1",
    [...upgrade, "accept: text/event-stream"],
    "",
  );
  expect(await gateway.raw(events)).toMatch(/^HTTP\/1\.1 200 .*data: \[2\]/s);
});

it("a request after a malformed one is not called", async () => {
  const connection = await connectTo("node");
  await connection.send(`${waitRequest("node")}nonsense\r\n\r\n${waitRequest("node")}`);
  await answerWaiting("[7]");
  await connection.closed;
  expect(gateway.waiting).toEqual([]);
});

it("a connection that ends before a request is closed at once", async () => {
  for (const text of ["", "P", "\r\n", "POST /svc"]) {
    const connection = gateway.open();
    if (text !== "") await connection.send(text);
    connection.socket.end();
    await connection.closed;
  }
});

describe("a connection with short limits", () => {
  let short: TestGateway;

  beforeAll(async () => {
    short = await openTestGateway({ headersTimeoutMs: 200, idleConnectionTimeoutMs: 600 });
  });

  afterAll(() => short[Symbol.asyncDispose]());

  it.each(bothReaders)(
    "an empty line after a request has no time limit of its own: %s",
    async (reader) => {
      const connection = await connectTo(reader, short);
      await connection.send("\r\n");
      await connection.closed;
      expect(connection.received).toBe("");
    },
  );

  it("H1: a head that takes too long does not change the answer before it", async () => {
    const connection = await connectTo("node", short);
    await connection.send(`${waitRequest("node")}POST /svc`);
    // This one begins later, so its time is over later.
    const other = await connectTo("node", short);
    await other.send("POST /svc");
    await other.closed;
    await answerWaiting("[7]", short);
    await connection.closed;
    expect(answersOf(connection.received)).toMatchObject([
      { status: 200, body: "[7]" },
      { status: 408, ...problem },
    ]);
  });
});
