import { once } from "node:events";
import { type ClientHttp2Session, connect, constants, type IncomingHttpHeaders } from "node:http2";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  dataFrame,
  encodeHttp2,
  headersFrame,
  rawFrame,
} from "../../../../../tests/fuzz/targets/http2-frames.ts";
import { openTestGateway, type TestGateway } from "../../../../../tests/harness/test-gateway.ts";

const RST_STREAM = 3;
const SETTINGS = 4;

let gateway: TestGateway;
let session: ClientHttp2Session;

const headers = { ":method": "POST", ":authority": "dev.lever" };

beforeAll(async () => {
  gateway = await openTestGateway();
  session = connect(`http://127.0.0.1:${gateway.port}`);
});

afterAll(async () => {
  session.destroy();
  await gateway[Symbol.asyncDispose]();
});

it.each([
  ["in one piece, with its length", [Buffer.from("abcdef")], { "content-length": 6 }],
  ["in one piece, without its length", [Buffer.from("abcdef")], {}],
  [
    "in pieces, with their length",
    [Buffer.from("abc"), Buffer.from("def")],
    { "content-length": 6 },
  ],
  ["in pieces, without their length", [Buffer.from("abc"), Buffer.from("def")], {}],
])("a body over HTTP/2 that arrives %s is complete", async (_how, pieces, length) => {
  const stream = session.request({ ...headers, ":path": "/svc/echo", ...length });
  stream.on("response", () => {});
  for (const piece of pieces) await new Promise((resolve) => stream.write(piece, resolve));
  stream.end();
  expect(Buffer.concat(await stream.toArray()).toString()).toBe("abcdef");
});

it.each([
  ["without an error", constants.NGHTTP2_NO_ERROR],
  ["because it is cancelled", constants.NGHTTP2_CANCEL],
  ["with an error", constants.NGHTTP2_INTERNAL_ERROR],
])("a call whose stream is reset %s within its body is not made", async (_why, code) => {
  const before = gateway.calls.length;
  const head = { ...headers, ":scheme": "http", ":path": "/svc/echo" };
  const connection = gateway.open();
  connection.send(
    encodeHttp2([
      rawFrame(SETTINGS, 0, 0, Buffer.alloc(0)),
      headersFrame(1, head),
      dataFrame(1, Buffer.from("half")),
      rawFrame(RST_STREAM, 0, 1, Buffer.of(0, 0, 0, code)),
      headersFrame(3, head),
      dataFrame(3, Buffer.from("whole"), true),
    ]),
  );
  await expect.poll(() => gateway.calls.length).toBeGreaterThan(before);
  connection.socket.end();
  await connection.closed;
  expect(gateway.calls.slice(before)).toEqual(["lever://dev.lever/svc/echo whole"]);
});

it("a call whose stream is reset while it waits is cancelled", async () => {
  const stream = session.request({ ...headers, ":path": "/svc/wait" });
  stream.on("error", () => {});
  stream.end("[]");
  await expect.poll(() => gateway.waiting.length).toBe(1);
  stream.close(constants.NGHTTP2_CANCEL);
  await expect.poll(() => gateway.waiting[0]?.isAborted).toBe(true);
});

it("a refusal over HTTP/2 whose body still arrives is a problem", async () => {
  const stream = session.request({ ...headers, ":path": "/nobody/echo", "content-length": 10 });
  stream.write("[");
  const [head] = (await once(stream, "response")) as [IncomingHttpHeaders];
  expect(head).toMatchObject({ ":status": 404, "content-type": "application/problem+json" });
  const problem: unknown = JSON.parse(Buffer.concat(await stream.toArray()).toString());
  expect(problem).toMatchObject({ code: "unknown_service" });
  stream.close();
});
