import { once } from "node:events";
import * as http2 from "node:http2";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callMethod, type HttpCallOptions, httpCall } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

const json = { "content-type": "application/json" };

const service = `
exports.sayHello = (name, callback) => callback(null, "Hello, " + name + "!");
exports.size = (bytes) => bytes.length;
exports.echoChan = async (stream) => { for await (const message of stream) stream.write(message); };
exports._hidden = () => "hidden";
exports.newResource = () => "hook";
exports.notAFunction = 42;
`;

let lever: RunningLever;

beforeAll(async () => {
  const limits = [
    "headersTimeoutMs=800",
    "requestTimeoutMs=1000",
    "idleConnectionTimeoutMs=1000",
    "bodyBytesMax=100000",
  ];
  lever = await startLever({ args: limits.flatMap((limit) => ["--limit", limit]) });
  await deployService(lever, testService(service, { name: "greeter" }));
});

afterAll(() => lever.stop());

interface Row {
  readonly name: string;
  readonly path: string;
  readonly options: HttpCallOptions;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
}

const dev = "?forceenv=dev.lever";

const rows: readonly Row[] = [
  {
    name: "malformed JSON",
    path: `/greeter/sayHello${dev}`,
    options: { headers: json, body: '["world"' },
    status: 400,
    code: "malformed_request",
    detail:
      "Cannot call sayHello: the body is not JSON (Expected ',' or ']' after array element in JSON at position 8 (line 1 column 9)).",
  },
  {
    name: "bytes that are not UTF-8",
    path: `/greeter/sayHello${dev}`,
    options: { headers: json, body: Buffer.from([0x5b, 0x22, 0xff, 0x22, 0x5d]) },
    status: 400,
    code: "malformed_request",
    detail:
      "Cannot call sayHello: the body is not JSON (The encoded data was not valid for encoding utf-8).",
  },
  {
    name: "an empty body as JSON",
    path: `/greeter/sayHello${dev}`,
    options: { headers: json, body: "" },
    status: 400,
    code: "malformed_request",
    detail: "Cannot call sayHello: the body is not JSON (Unexpected end of JSON input).",
  },
  {
    name: "arguments that are an object",
    path: `/greeter/sayHello${dev}`,
    options: { headers: json, body: '{"name": "world"}' },
    status: 400,
    code: "malformed_request",
    detail: "Cannot call sayHello: the body is an object, not a JSON array of arguments.",
  },
  {
    name: "arguments that are a string",
    path: `/greeter/sayHello${dev}`,
    options: { headers: json, body: '"world"' },
    status: 400,
    code: "malformed_request",
    detail: "Cannot call sayHello: the body is a string, not a JSON array of arguments.",
  },
  {
    name: "arguments that are null",
    path: `/greeter/sayHello${dev}`,
    options: { headers: { "content-type": "application/json; charset=utf-8" }, body: "null" },
    status: 400,
    code: "malformed_request",
    detail: "Cannot call sayHello: the body is null, not a JSON array of arguments.",
  },
  {
    name: "a body over the limit",
    path: `/greeter/size${dev}`,
    options: { body: Buffer.alloc(100_001) },
    status: 413,
    code: "too_large",
    detail: "Cannot read the request: its body is over the limit of 100000 bytes.",
  },
  {
    name: "a body over the limit in chunks",
    path: `/greeter/size${dev}`,
    options: { headers: { "transfer-encoding": "chunked" }, body: Buffer.alloc(300_000) },
    status: 413,
    code: "too_large",
    detail: "Cannot read the request: its body is over the limit of 100000 bytes.",
  },
  {
    name: "an unknown environment",
    path: "/greeter/sayHello?forceenv=prod.lever",
    options: { headers: json, body: "[]" },
    status: 404,
    code: "unknown_environment",
    detail: "There is no environment prod.lever.",
  },
  {
    name: "no environment but the address",
    path: "/greeter/sayHello",
    options: { headers: { ...json, host: "192.0.2.1:1" }, body: "[]" },
    status: 404,
    code: "unknown_environment",
    detail: "There is no environment 192.0.2.1.",
  },
  {
    name: "an unknown service",
    path: `/nobody/sayHello${dev}`,
    options: { headers: json, body: "[]" },
    status: 404,
    code: "unknown_service",
    detail: "There is no service nobody in dev.lever.",
  },
  ...[
    "nothing",
    "toString",
    "constructor",
    "__proto__",
    "_hidden",
    "newResource",
    "notAFunction",
  ].map((method) => ({
    name: `the method ${method}`,
    path: `/greeter/${method}${dev}`,
    options: { headers: json, body: "[]" },
    status: 404,
    code: "unknown_method",
    detail: `The service greeter has no method ${method}.`,
  })),
  {
    name: "a path without a method",
    path: `/greeter${dev}`,
    options: { headers: json, body: "[]" },
    status: 400,
    code: "malformed_request",
    detail: "Cannot read the Lever URL /greeter: it needs a service and a method: /service/method.",
  },
  {
    name: "a broken percent-escape",
    path: `/greeter/say%zzHello${dev}`,
    options: { headers: json, body: "[]" },
    status: 400,
    code: "malformed_request",
    detail: "Cannot read the Lever URL /greeter/say%zzHello: it has a broken percent-escape.",
  },
  {
    name: "GET",
    path: `/greeter/sayHello${dev}`,
    options: { method: "GET" },
    status: 405,
    code: "wrong_http_method",
    detail: "Cannot call a method by GET: allowed is POST.",
  },
  {
    name: "a lever-timeout that is no duration",
    path: `/greeter/sayHello${dev}`,
    options: { headers: { ...json, "lever-timeout": "soon" }, body: "[]" },
    status: 400,
    code: "malformed_request",
    detail:
      'Cannot read the header lever-timeout: found is "soon"; allowed is 1 to 86400000 milliseconds, or a number with ms, s, m or h.',
  },
  {
    name: "a stream without a content type",
    path: `/greeter/echoChan${dev}`,
    options: { body: "[]" },
    status: 415,
    code: "unsupported_media_type",
    detail:
      "Cannot open the stream: allowed content types are application/json, application/x-ndjson and application/octet-stream.",
  },
  {
    name: "a stream whose first line is no list",
    path: `/greeter/echoChan${dev}`,
    options: { headers: json, body: '{"a": 1}\n' },
    status: 400,
    code: "malformed_request",
    detail: "Cannot call echoChan: the body is an object, not a JSON array of arguments.",
  },
  {
    name: "a page that calls the admin service",
    path: "/admin/listServices?forceenv=admin.lever",
    options: { headers: { ...json, origin: "http://evil.example" }, body: '["dev.lever"]' },
    status: 403,
    code: "forbidden",
    detail: "Cannot accept this call: the environment does not allow pages of http://evil.example.",
  },
];

describe("the gateway refuses", () => {
  it.each(rows)("the gateway refuses $name", async ({ path, options, status, code, detail }) => {
    const answer = await httpCall(lever.address, path, options);
    const call = answer.headers["lever-call"];
    expect(answer.json()).toEqual({ title: code.replaceAll("_", " "), status, detail, code, call });
    expect(call).toMatch(/^[a-z][0-9a-z]{2}-[0-9a-z]+$/);
    expect(answer.status).toBe(status);
    expect(answer.headers["content-type"]).toBe("application/problem+json");
    expect(answer.headers["lever-error"]).toBe("platform");
  });
});

/** Sends text as it is. Returns everything that the host sends until it closes. */
async function raw(text: string): Promise<string> {
  const [host = "", port = ""] = lever.address.split(":");
  const socket = connect(Number(port), host);
  let answer = "";
  socket.setEncoding("utf8");
  socket.on("data", (chunk: string) => {
    answer += chunk;
  });
  socket.on("error", () => {});
  socket.write(text);
  await once(socket, "close");
  return answer;
}

const head = "POST /greeter/sayHello?forceenv=dev.lever HTTP/1.1\r\nHost: x\r\n";

describe("a raw connection", () => {
  it("a body shorter than its Content-Length is refused after requestTimeoutMs", async () => {
    const answer = await raw(
      `${head}content-type: application/json\r\ncontent-length: 50\r\n\r\n["a"]`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain("Cannot read the request: its body did not arrive within 1000 ms.");
  });

  it("bytes after a body of Content-Length bytes are refused", async () => {
    const answer = await raw(
      `${head}content-type: application/json\r\ncontent-length: 5\r\n\r\n["a"]rubbish\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 400 |HTTP\/1\.1 400 /);
    expect(answer).toContain('"code":"malformed_request"');
  });

  it("a negative Content-Length is refused", async () => {
    const answer = await raw(`${head}content-length: -5\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('"code":"malformed_request"');
  });

  it("a request with Content-Length and Transfer-Encoding is refused", async () => {
    const answer = await raw(
      `${head}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  });

  it("headers of 20,000 bytes are refused", async () => {
    const answer = await raw(`${head}x-bomb: ${"x".repeat(20_000)}\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
    expect(answer).toContain('"detail":"Cannot read the request: its headers are too large."');
  });

  it("headers that do not end are refused after headersTimeoutMs", async () => {
    const answer = await raw(`${head}x-slow: `);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain(
      '"detail":"Cannot read the request: it did not arrive within its time."',
    );
  });

  it("bytes that are not HTTP are refused", async () => {
    const answer = await raw("hello there\r\n\r\n");
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('"code":"malformed_request"');
  });

  it("calls succeed after a caller left in the middle of its body", async () => {
    const [host = "", port = ""] = lever.address.split(":");
    const socket = connect(Number(port), host);
    socket.write(`${head}content-length: 1000\r\n\r\nhalf`);
    await once(socket, "ready");
    socket.destroy();
    const answer = await callMethod(lever.address, "/greeter/sayHello", ["world"]);
    expect(answer.json()).toBe("Hello, world!");
  });
});

it("a silent stream over HTTP/2 stays open longer than idleConnectionTimeoutMs", async () => {
  const session = http2.connect(`http://${lever.address}`);
  const stream = session.request({
    ":method": "POST",
    ":path": `/greeter/echoChan${dev}`,
    "content-type": "application/x-ndjson",
  });
  stream.write("[]\n");
  // The host sends settings at first, and each time it checks whether a silent caller is still there.
  for (let received = 0; received < 3; received++) await once(session, "remoteSettings");
  stream.end('"still here"\n');
  expect(String(await once(stream, "data"))).toBe('"still here"\n');
  await once(session, "close");
});

describe("a page of an environment that allows every origin", () => {
  it("a preflight of any page is allowed", async () => {
    const preflight = await httpCall(lever.address, `/greeter/sayHello${dev}`, {
      method: "OPTIONS",
      headers: {
        origin: "https://app.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,lever-timeout",
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers["access-control-allow-origin"]).toBe("*");
    expect(preflight.headers["access-control-allow-headers"]).toBe("content-type,lever-timeout");
  });

  it("a call of any page is answered", async () => {
    const answer = await callFrom("https://app.example");
    expect(answer.json()).toBe("Hello, page!");
    expect(answer.headers["access-control-allow-origin"]).toBe("*");
  });
});

const callFrom = (origin: string): ReturnType<typeof httpCall> =>
  httpCall(lever.address, `/greeter/sayHello${dev}`, {
    headers: { ...json, origin },
    body: '["page"]',
  });

describe("a page of an environment that allows one origin", () => {
  const setOrigins = (origins: string): Promise<{ status: number }> =>
    lever.lever(["invoke", "lever://admin.lever/admin/setCorsOrigins", '"dev.lever"', origins]);

  beforeAll(async () => {
    expect((await setOrigins('["https://app.example"]')).status).toBe(0);
  });

  it("a call of another origin is refused", async () => {
    expect((await callFrom("https://other.example")).status).toBe(403);
  });

  it("a call of the allowed origin is answered for this origin only", async () => {
    const allowed = await callFrom("https://app.example");
    expect(allowed.status).toBe(200);
    expect(allowed.headers["access-control-allow-origin"]).toBe("https://app.example");
  });

  it("an origin that is none cannot be allowed", async () => {
    expect((await setOrigins('["not an origin"]')).status).toBe(3);
  });

  it("a call of any origin is answered again after all were allowed", async () => {
    expect((await setOrigins('["*"]')).status).toBe(0);
    expect((await callFrom("https://other.example")).status).toBe(200);
  });
});
