import { defaultLimits, PAYLOAD_BYTES, PAYLOAD_JSON } from "@leveros/protocol";
import { describe, expect, it } from "vitest";
import { isPlainStart, parsePlainHead } from "./plain-head.ts";

const head = (line: string, ...fields: string[]): string =>
  `${[line, ...fields].join("\r\n")}\r\n\r\n`;
const POST = "POST /svc/method HTTP/1.1";
const HOST = "Host: dev.lever:8080";
const parse = (text: string) => parsePlainHead(text, defaultLimits);

describe("a head", () => {
  it("a plain head has its target, its body's kind and length, and its deadline", () => {
    const plain = head(
      "POST /svc/a%2Fb/method?forceenv=Other.lever HTTP/1.1",
      HOST,
      "content-TYPE:\tapplication/json; charset=utf-8 ",
      "Content-Length: 12",
      "Lever-Timeout: 5s",
      "Connection: close",
    );
    expect(parse(plain)).toMatchObject({
      target: { environment: "other.lever", service: "svc", resource: "a/b", method: "method" },
      kind: PAYLOAD_JSON,
      askedMs: 5_000,
      bodyBytes: 12,
      isLast: true,
    });
  });

  it("a plain head needs neither a body nor a content type", () => {
    expect(parse(head(POST, HOST))).toMatchObject({
      target: { environment: "dev.lever" },
      kind: PAYLOAD_BYTES,
      askedMs: 0,
      bodyBytes: 0,
      isLast: false,
    });
  });
});

/** Heads as clients and proxies send them, without what differs from call to call. */
const clients: readonly (readonly [client: string, ...fields: string[]])[] = [
  [
    "Chrome",
    "Connection: keep-alive",
    'sec-ch-ua: "Chromium";v="140", "Not=A?Brand";v="24", "Google Chrome";v="140"',
    "sec-ch-ua-mobile: ?0",
    'sec-ch-ua-platform: "Windows"',
    "User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)",
    "Accept: */*",
    "Origin: https://app.example",
    "Sec-Fetch-Site: cross-site",
    "Sec-Fetch-Mode: cors",
    "Sec-Fetch-Dest: empty",
    "Referer: https://app.example/",
    "Accept-Encoding: gzip, deflate, br, zstd",
    "Accept-Language: en-GB,en;q=0.9",
    "Cookie: a=b; c=d",
  ],
  [
    "Firefox",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
    "Accept: */*",
    "Origin: null",
    "Connection: keep-alive",
    "Sec-Fetch-Mode: cors",
    "Priority: u=4",
    "Pragma: no-cache",
    "Cache-Control: no-cache",
  ],
  ["curl", "User-Agent: curl/8.16.0", "Accept: */*"],
  [
    "fetch of Node",
    "connection: keep-alive",
    "accept: */*",
    "accept-language: *",
    "sec-fetch-mode: cors",
    "user-agent: node",
    "accept-encoding: gzip, deflate",
    "transfer-encoding: chunked",
  ],
  [
    "the client of Java",
    "Connection: Upgrade, HTTP2-Settings",
    "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
    "Upgrade: h2c",
    "User-Agent: Java-http-client/21.0.8",
  ],
  [
    "two proxies",
    "X-Forwarded-For: 192.0.2.1",
    "X-Forwarded-For: 192.0.2.2",
    "X-Forwarded-Proto: https",
    "Via: 1.1 a",
    "Via: 1.1 b",
    "Forwarded: for=192.0.2.1",
    "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "Connection: keep-alive",
    "Keep-Alive: timeout=60",
    "Transfer-Encoding: chunked",
    "Trailer: x-checksum",
  ],
];

it.each(clients)("a head of %s is plain", (_client, ...fields) => {
  const plain = parse(head(POST, HOST, "Content-Type: application/json", ...fields));
  const isChunked = fields.some((field) => /^transfer-encoding/i.test(field));
  expect(plain).toMatchObject({ kind: PAYLOAD_JSON, isLast: false });
  expect(plain?.bodyBytes).toBe(isChunked ? undefined : 0);
});

it.each([
  ["close", true],
  ["Close", true],
  ["TE, close", true],
  ["close ,keep-alive", true],
  ["keep-alive", false],
  ["x-close", false],
  ["closed", false],
])("connection options %s say whether the request is the last: %s", (options, isLast) => {
  expect(parse(head(POST, HOST, `Connection: ${options}`))).toMatchObject({ isLast });
});

it("the lines of a list are one list", () => {
  const lines = ["Accept-Encoding: gzip", "accept-encoding: br;q=0.5"];
  expect(parse(head(POST, HOST, ...lines))?.headers["accept-encoding"]).toBe("gzip, br;q=0.5");
});

// Node's server accepts or refuses everything that two parsers could read differently.
it.each([
  ["another method", head("GET /svc/method HTTP/1.1", HOST)],
  ["a method in lower case", head("post /svc/method HTTP/1.1", HOST)],
  ["an older version", head("POST /svc/method HTTP/1.0", HOST)],
  ["the absolute form", head("POST http://dev.lever/svc/method HTTP/1.1", HOST)],
  ["two spaces in its line", head("POST  /svc/method HTTP/1.1", HOST)],
  ["neither a host nor an environment", head(POST, "Content-Length: 2")],
  ["no host", head(`${POST.replace(" HTTP", "?forceenv=dev.lever HTTP")}`, "Content-Length: 2")],
  ["a malformed host", head(POST, "Host: dev.lever/")],
  ["a path that names no method", head("POST /svc HTTP/1.1", HOST)],
  ["a streaming method", head("POST /svc/echoChan HTTP/1.1", HOST)],
  ["a coded body", head(POST, HOST, "Transfer-Encoding: gzip, chunked")],
  ["two codings", head(POST, HOST, "Transfer-Encoding: chunked", "Transfer-Encoding: chunked")],
  ["a length and chunks", head(POST, HOST, "Content-Length: 2", "Transfer-Encoding: chunked")],
  ["two lengths", head(POST, HOST, "Content-Length: 2", "Content-Length: 2")],
  ["a length that is a list", head(POST, HOST, "Content-Length: 2, 2")],
  ["a length with a sign", head(POST, HOST, "Content-Length: +2")],
  ["a length in another base", head(POST, HOST, "Content-Length: 0x2")],
  ["two hosts", head(POST, HOST, "Host: other.lever")],
  ["an expectation of an interim response", head(POST, HOST, "Expect: 100-continue")],
  ["an upgrade to a link", head(POST, HOST, "Connection: Upgrade", "Upgrade: lever-link/2")],
  ["malformed connection options", head(POST, HOST, "Connection: close keep-alive")],
  ["two origins", head(POST, HOST, "Origin: https://a.example", "Origin: https://b.example")],
  ["two tokens", head(POST, HOST, "Authorization: Bearer a", "Authorization: Bearer b")],
  ["a compressed body", head(POST, HOST, "Content-Encoding: gzip")],
  ["a space before a colon", head(POST, HOST, "Content-Length : 2")],
  ["a folded line", head(POST, HOST, "X-Long: a", " b")],
  ["a line that ends in LF alone", `${POST}\r\n${HOST}\nX: y\r\n\r\n`],
  ["a bare CR", head(POST, HOST, "X: a\rb")],
  ["a zero byte", head(POST, HOST, "X: a\0b")],
  ["a malformed name", head(POST, HOST, "X@: y")],
  ["a line without a colon", head(POST, HOST, "nonsense")],
  ["a malformed deadline", head(POST, HOST, "Lever-Timeout: soon")],
  ["bytes after it", `${head(POST, HOST)}x`],
])("a head with %s is not plain", (_name, text) => {
  expect(parse(text)).toBeUndefined();
});

it("the names of fields cannot change the headers' prototype", () => {
  const parsed = parse(head(POST, HOST, "__proto__: x", "constructor: y"));
  expect(Object.getPrototypeOf(parsed?.headers)).toBeNull();
});

const plain = head(POST, HOST, "content-TYPE:\tapplication/json ", "Content-Length: 12");

it("every beginning of a plain head may become a plain head", () => {
  for (let end = 1; end < plain.length; end++) {
    expect(isPlainStart(plain.slice(0, end)), plain.slice(0, end)).toBe(true);
  }
});

it.each([
  "post",
  "POST svc",
  "POST /svc/method HTTP/1.0",
  "POST /svc/method HTTP/1.1\n",
  `${POST}\r\n x`,
  `${POST}\r\n:`,
  `${POST}\r\nX : y`,
  `${POST}\r\nX: \0`,
  `${POST}\r\nX: y\rz`,
  `${POST}\r\nTransfer-Encoding: gzip\r\n`,
  `${POST}\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n`,
  `${POST}\r\nContent-Length: x\r\n`,
  `${POST}\r\nX: 1\r\nX: 2\r\n`,
])("no plain head begins with %j", (text) => {
  expect(isPlainStart(text)).toBe(false);
});

it("only spaces and tabs around a value are removed", () => {
  expect(parse(head(POST, HOST, "x-a: \t a b\t "))?.headers["x-a"]).toBe("a b");
  expect(parse(head(POST, HOST, "x-a:\xa0a\xa0"))?.headers["x-a"]).toBe("\xa0a\xa0");
  expect(parse(head(POST, HOST, "Content-Length: \xa02"))).toBeUndefined();
});
