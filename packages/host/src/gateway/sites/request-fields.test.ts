import type { IncomingHttpHeaders } from "node:http";
import { expect, it } from "vitest";
import { requestFields } from "./request-fields.ts";

const elsewhere = { remoteAddress: "192.0.2.1", localAddress: "192.0.2.9" };
const here = { remoteAddress: "::ffff:127.0.0.1", localAddress: "127.0.0.1" };

function fieldsOf(
  headers: IncomingHttpHeaders,
  { socket = elsewhere, isSecure = false, prefix = "/web" } = {},
): Record<string, string> {
  const { fields, origin } = requestFields(headers, { socket, isSecure, prefix });
  const found: Record<string, string> = { origin };
  for (let at = 0; at < fields.length; at += 2) found[fields[at] ?? ""] = fields[at + 1] ?? "";
  return found;
}

const own = {
  origin: "http://a.example",
  host: "a.example",
  "x-forwarded-for": "192.0.2.1",
  "x-forwarded-host": "a.example",
  "x-forwarded-prefix": "/web",
  "x-forwarded-proto": "http",
};

it("header fields of a connection, and those that only Lever sets, are not passed on", () => {
  const headers = {
    host: "a.example",
    connection: "close, X-Hop",
    "x-hop": "1",
    "keep-alive": "1",
    te: "trailers",
    trailer: "x",
    "transfer-encoding": "chunked",
    upgrade: "x",
    expect: "100-continue",
    "proxy-authorization": "Basic x",
    "lever-timeout": "1s",
    "x-lever-src-env": "prod.lever",
    "x-own": "kept",
  };
  expect(fieldsOf(headers)).toEqual({ ...own, "x-own": "kept" });
});

const claims = {
  host: "a.example",
  forwarded: "for=9.9.9.9",
  "x-real-ip": "9.9.9.9",
  "x-forwarded-for": "9.9.9.9",
  "x-forwarded-host": "b.example",
  "x-forwarded-proto": "https",
  "x-forwarded-prefix": "/shop",
};

it("claims of another machine about its caller are dropped", () => {
  expect(fieldsOf(claims)).toEqual(own);
});

it("claims of a proxy on this machine are passed on", () => {
  expect(fieldsOf(claims, { socket: here })).toEqual({
    origin: "https://a.example",
    host: "a.example",
    "x-forwarded-for": "9.9.9.9, 127.0.0.1",
    "x-forwarded-host": "b.example",
    "x-forwarded-proto": "https",
    "x-forwarded-prefix": "/shop/web",
  });
});

it("a request of HTTP/2 over TLS has its authority as host", () => {
  const headers = { ":method": "GET", ":authority": "c.example:1" };
  expect(fieldsOf(headers, { isSecure: true, prefix: "" })).toEqual({
    origin: "https://c.example:1",
    host: "c.example:1",
    "x-forwarded-for": "192.0.2.1",
    "x-forwarded-host": "c.example:1",
    "x-forwarded-proto": "https",
  });
});
