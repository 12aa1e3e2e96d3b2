import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { connect as connectHttp2, type IncomingHttpHeaders } from "node:http2";
import { buffer } from "node:stream/consumers";
import zlib from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openTestGateway, type TestGateway } from "../../../../../tests/harness/test-gateway.ts";
import { acceptedCoding, contentCoding } from "./content-coding.ts";

const BYTES_MAX = 1_000_000;
let gateway: TestGateway;

beforeAll(async () => {
  gateway = await openTestGateway({ bodyBytesMax: BYTES_MAX });
});

afterAll(() => gateway[Symbol.asyncDispose]());

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

async function call(
  body: Buffer,
  headers: Readonly<Record<string, string>>,
  method = "echo",
): Promise<Answer> {
  const outgoing = httpRequest({
    port: gateway.port,
    method: "POST",
    path: `/svc/${method}`,
    headers: { host: "dev.lever", "content-type": "application/json", ...headers },
    agent: false,
  });
  outgoing.end(body);
  const [answer] = (await once(outgoing, "response")) as [IncomingMessage];
  return { status: answer.statusCode, headers: answer.headers, body: await buffer(answer) };
}

const encoders = {
  gzip: zlib.gzipSync,
  "x-gzip": zlib.gzipSync,
  GZIP: zlib.gzipSync,
  br: zlib.brotliCompressSync,
  deflate: zlib.deflateSync,
};
const cases = Object.entries(encoders);

describe("the body of a request", () => {
  it.each(cases)("a body in %s is decoded", async (coding, encode) => {
    const body = Buffer.from(JSON.stringify(["é".repeat(100_000)]));
    const answer = await call(encode(body), { "content-encoding": coding });
    expect([answer.status, answer.body.equals(body)]).toEqual([200, true]);
  });

  it.each(cases)(
    "a body in %s that is too large when decoded is refused",
    async (coding, encode) => {
      const bomb = encode(Buffer.alloc(BYTES_MAX + 1));
      expect(bomb.length).toBeLessThan(2_000);
      const { status, body } = await call(bomb, { "content-encoding": coding });
      expect([status, String(body)]).toEqual([413, expect.stringContaining("over the limit")]);
      const largest = encode(Buffer.alloc(BYTES_MAX));
      expect((await call(largest, { "content-encoding": coding })).status).toBe(200);
    },
  );

  it.each(cases)("a body that is not %s, or not all of it, is refused", async (coding, encode) => {
    const half = encode(Buffer.from("[1,2,3,4,5]")).subarray(0, -3);
    for (const body of [Buffer.from("[1]"), half]) {
      const answer = await call(body, { "content-encoding": coding });
      expect([answer.status, String(answer.body)]).toEqual([
        400,
        expect.stringContaining("Cannot read the request: its body is not"),
      ]);
    }
  });

  it.each(["zstd", "gzip, br", "aws-chunked"])("a body in %s is refused", async (coding) => {
    const { status, headers, body } = await call(Buffer.from("[1]"), {
      "content-encoding": coding,
    });
    expect([status, headers["accept-encoding"]]).toEqual([415, "gzip, br, deflate"]);
    expect(JSON.parse(String(body))).toMatchObject({ code: "unsupported_media_type" });
  });

  it.each(cases)("the messages of a stream in %s are decoded", async (coding, encode) => {
    const lines = `[0]\n${Array.from({ length: 10_000 }, (_, number) => `{"n":${number}}\n`).join("")}`;
    const answer = await call(
      encode(Buffer.from(lines)),
      { "content-encoding": coding },
      "echoChan",
    );
    expect([answer.status, String(answer.body) === lines]).toEqual([200, true]);
  });

  it.each(cases)(
    "a line in %s that is too long when decoded is refused",
    async (coding, encode) => {
      const bomb = encode(Buffer.alloc(10 * BYTES_MAX, "x"));
      const { status, body } = await call(bomb, { "content-encoding": coding }, "echoChan");
      expect([status, String(body)]).toEqual([413, expect.stringContaining("a line is over")]);
    },
  );

  it.each(cases)(
    "a stream that is not %s, or not all of it, is refused",
    async (coding, encode) => {
      const half = encode(Buffer.from("[1,2,3,4,5]\n")).subarray(0, -3);
      for (const body of [Buffer.from("[1]\n"), half]) {
        const answer = await call(body, { "content-encoding": coding }, "waitChan");
        expect([answer.status, String(answer.body)]).toEqual([
          400,
          expect.stringContaining(`Cannot read the request: its body is not`),
        ]);
      }
    },
  );

  it.each(cases)("an EventSource has no body, also with the coding %s", async (coding) => {
    const outgoing = httpRequest({
      port: gateway.port,
      path: "/svc/echoChan?args=[2]",
      headers: { host: "dev.lever", accept: "text/event-stream", "content-encoding": coding },
      agent: false,
    });
    outgoing.end();
    const [answer] = (await once(outgoing, "response")) as [IncomingMessage];
    expect([answer.statusCode, String(await buffer(answer))]).toEqual([
      200,
      expect.stringContaining("data: [2]"),
    ]);
  });

  it("the messages of a stream over HTTP/2 are decoded", async () => {
    const session = connectHttp2(`http://127.0.0.1:${gateway.port}`);
    const stream = session.request({
      ":method": "POST",
      ":path": "/svc/echoChan",
      ":authority": "dev.lever",
      "content-type": "application/x-ndjson",
      "content-encoding": "gzip",
    });
    const encoded = zlib.gzipSync('["a"]\n"b"\n');
    stream.write(encoded.subarray(0, 12));
    stream.end(encoded.subarray(12));
    expect(String(await buffer(stream))).toBe('["a"]\n"b"\n');
    session.close();
  });

  it("many bodies at once are all decoded", async () => {
    const body = zlib.gzipSync(Buffer.alloc(BYTES_MAX));
    const answers = Array.from({ length: 30 }, () => call(body, { "content-encoding": "gzip" }));
    expect(new Set((await Promise.all(answers)).map(({ status }) => status))).toEqual(
      new Set([200]),
    );
  });

  it.each([undefined, "", "identity", " Identity "])("the coding %j is none", (header) => {
    expect(contentCoding(header)).toBeUndefined();
  });
});

describe("the body of a response", () => {
  const large = Buffer.from(JSON.stringify(["text ".repeat(10_000)]));
  /** Node's server takes this call. */
  const byNode = { te: "x" };

  it.each([
    ["gzip", zlib.gunzipSync],
    ["br", zlib.brotliDecompressSync],
  ])("a result is compressed with %s where that is asked", async (coding, decode) => {
    const { headers, body } = await call(large, { ...byNode, "accept-encoding": coding });
    expect(headers["content-encoding"]).toBe(coding);
    expect(body.length).toBe(Number(headers["content-length"]));
    expect(body.length).toBeLessThan(large.length / 10);
    expect(decode(body).equals(large)).toBe(true);
  });

  it.each<[string, Buffer, Readonly<Record<string, string>>]>([
    ["nothing is asked", large, byNode],
    ["the result is short", Buffer.from('["short"]'), { ...byNode, "accept-encoding": "gzip" }],
    [
      "the result is bytes",
      Buffer.alloc(50_000),
      { ...byNode, "accept-encoding": "gzip", "content-type": "image/png" },
    ],
    ["a plain call comes from this machine", large, { "accept-encoding": "gzip" }],
  ])("a result is sent as it is when %s", async (_name, sent, headers) => {
    const answer = await call(sent, headers);
    expect(answer.headers["content-encoding"]).toBeUndefined();
    expect(answer.body.equals(sent)).toBe(true);
  });

  it("a result over HTTP/2 is compressed", async () => {
    const session = connectHttp2(`http://127.0.0.1:${gateway.port}`);
    const stream = session.request({
      ":method": "POST",
      ":path": "/svc/echo",
      ":authority": "dev.lever",
      "content-type": "application/json",
      "accept-encoding": "gzip, deflate, br",
    });
    stream.end(large);
    const [headers] = (await once(stream, "response")) as [IncomingHttpHeaders];
    expect(headers["content-encoding"]).toBe("br");
    expect(zlib.brotliDecompressSync(await buffer(stream)).equals(large)).toBe(true);
    session.close();
  });
});

it.each([
  [undefined, undefined],
  ["", undefined],
  ["gzip, deflate", "gzip"],
  ["gzip, deflate, br", "br"],
  ["GZIP;q=1.0, br;q=0.5", "gzip"],
  ["gzip;q=0", undefined],
  ["gzip; q=0, *", "br"],
  ["*", "br"],
  ["*;q=0", undefined],
  ["identity", undefined],
  ["gzip;q=0.5, identity", undefined],
  ["br, gzip, identity", "br"],
  ["deflate, zstd", undefined],
  ["gzip;q=oops", undefined],
])("accept-encoding %j asks for %s", (header, coding) => {
  expect(acceptedCoding(header)).toBe(coding);
});
