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
  ["a chunked body", head(POST, HOST, "Transfer-Encoding: chunked")],
  ["a length and chunks", head(POST, HOST, "Content-Length: 2", "Transfer-Encoding: chunked")],
  ["two lengths", head(POST, HOST, "Content-Length: 2", "Content-Length: 2")],
  ["a length that is a list", head(POST, HOST, "Content-Length: 2, 2")],
  ["a length with a sign", head(POST, HOST, "Content-Length: +2")],
  ["a length in another base", head(POST, HOST, "Content-Length: 0x2")],
  ["two hosts", head(POST, HOST, "Host: other.lever")],
  ["an expectation of an interim response", head(POST, HOST, "Expect: 100-continue")],
  ["another protocol", head(POST, HOST, "Connection: Upgrade", "Upgrade: h2c")],
  ["a list of connection options", head(POST, HOST, "Connection: close, te")],
  ["an origin", head(POST, HOST, "Origin: https://page.example")],
  ["a field of a browser", head(POST, HOST, "Sec-Fetch-Site: cross-site")],
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
  `${POST}\r\nTransfer-Encoding: chunked\r\n`,
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
