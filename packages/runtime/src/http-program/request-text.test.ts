import type { FetchRequestHead } from "@leveros/protocol";
import { expect, it } from "vitest";
import { chunkOf, type RequestFraming, requestText } from "./request-text.ts";

it.each<[string, FetchRequestHead, string, RequestFraming["kind"]]>([
  [
    "no body",
    ["GET", "http://a:1/b?c=/d", ["host", "a:1"], false],
    "GET /b?c=/d HTTP/1.1\r\nhost: a:1\r\n\r\n",
    "none",
  ],
  ["no path", ["GET", "http://a", [], false], "GET / HTTP/1.1\r\n\r\n", "none"],
  [
    "an empty body",
    ["POST", "http://a/", ["content-length", "0"], false],
    "POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\n",
    "none",
  ],
  [
    "a body of a known length",
    ["POST", "http://a/", ["content-length", "3", "x", "y"], true],
    "POST / HTTP/1.1\r\nx: y\r\ncontent-length: 3\r\n\r\n",
    "sized",
  ],
  [
    "a body of no known length",
    ["POST", "http://a/", [], true],
    "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n",
    "chunked",
  ],
  [
    "two lengths",
    ["POST", "http://a/", ["content-length", "3", "content-length", "4"], true],
    "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n",
    "chunked",
  ],
  [
    "a length that is none",
    ["POST", "http://a/", ["content-length", "3, 3"], true],
    "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n",
    "chunked",
  ],
  [
    "a length without a body",
    ["POST", "http://a/", ["content-length", "3, 3"], false],
    "POST / HTTP/1.1\r\n\r\n",
    "none",
  ],
  [
    "a WebSocket",
    ["GET", "http://a/", ["content-length", "3", "sec-websocket-key", "k"], false, "websocket"],
    "GET / HTTP/1.1\r\nsec-websocket-key: k\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
    "upgrade",
  ],
])("a request with %s is framed by Lever", (_what, head, text, kind) => {
  const found = requestText(head);
  expect(found.text).toBe(text);
  expect(found.framing.kind).toBe(kind);
});

it("a chunk has its size in hexadecimal digits", () => {
  const bytes = Buffer.alloc(26, "a");
  expect(chunkOf(bytes).toString("latin1")).toBe(`1a\r\n${"a".repeat(26)}\r\n`);
});
