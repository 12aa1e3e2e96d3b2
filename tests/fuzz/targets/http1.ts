import { brotliCompressSync, gzipSync } from "node:zlib";
import { openHostSubject } from "../host-subject.ts";
import type { Corpus } from "../mutator.ts";
import type { FuzzTarget } from "../target.ts";
import { encodeHttp, httpInput } from "./http-text.ts";

const json = "content-type: application/json";

export const http1: FuzzTarget = {
  name: "http1",
  open: () =>
    openHostSubject(() => ({
      corpus: corpus(),
      isAnswered: (answer) => answer.length > 0,
      judge(bytes, { answer }) {
        // That is HTTP/2.
        if (bytes.toString("latin1", 0, 3) === "PRI") return;
        if (answer.length > 0 && !/^HTTP\/1\.1 \d{3} /.test(answer.toString("latin1", 0, 20))) {
          throw new Error(`it was answered with ${answer.toString("latin1", 0, 200)}`);
        }
      },
    })),
};

function corpus(): Corpus {
  const echo = httpInput(
    "POST /fuzz/echo?forceenv=dev.lever HTTP/1.1",
    ["host: x", json],
    '["a", 1]',
  );
  const stream = httpInput(
    "POST /fuzz/echoChan?forceenv=dev.lever HTTP/1.1",
    ["host: x", "content-type: application/x-ndjson", "lever-timeout: 2s"],
    '[]\n{"a": 1}\n"two"\n',
  );
  const inputs = [
    echo,
    stream,
    [...echo, ...stream],
    httpInput(
      "POST /fuzz/echo HTTP/1.1",
      ["Host: dev.lever:80", json, "lever-timeout: 1500ms"],
      "[]",
    ),
    httpInput("POST /fuzz/room/1/echo?forceenv=dev.lever HTTP/1.1", ["host: x", json], '["in"]'),
    httpInput("POST http://dev.lever/fuzz/fail HTTP/1.1", ["host: dev.lever", json], "[]"),
    httpInput(
      "POST /fuzz/size?forceenv=dev.lever HTTP/1.1",
      ["host: x", "content-type: application/octet-stream", "expect: 100-continue"],
      Buffer.alloc(3_000, 7),
    ),
    chunked("POST /fuzz/echo?forceenv=dev.lever HTTP/1.1", ["host: x", json], ['["chu', 'nks"]']),
    chunked(
      "POST /fuzz/echoChan?forceenv=dev.lever&timeout=2s HTTP/1.1",
      ["host: x", "content-type: application/octet-stream", "trailer: x-sum"],
      ["[]\n", "bytes", "\0\xff"],
    ),
    bare("GET /fuzz/countChan?forceenv=dev.lever&args=%5B5%5D HTTP/1.1", [
      "host: x",
      "accept: text/event-stream",
      "connection: close",
    ]),
    bare("OPTIONS /fuzz/echo?forceenv=dev.lever HTTP/1.1", [
      "host: x",
      "origin: https://app.example",
      "access-control-request-method: POST",
      "access-control-request-headers: content-type,lever-timeout",
    ]),
    httpInput(
      "POST /fuzz/echo HTTP/1.0",
      ["host: dev.lever", json, "connection: keep-alive", "origin: https://a.example"],
      "[null]",
    ),
    httpInput(
      "POST /admin/listServices?forceenv=admin.lever HTTP/1.1",
      ["host: x", json],
      '["dev.lever"]',
    ),
  ];
  inputs.push(
    httpInput(
      "POST /fuzz/echo?forceenv=dev.lever HTTP/1.1",
      ["host: x", json, "content-encoding: br"],
      brotliCompressSync('["a", 1]'),
    ),
    httpInput(
      "POST /fuzz/echoChan?forceenv=dev.lever HTTP/1.1",
      ["host: x", "content-type: application/x-ndjson", "content-encoding: gzip"],
      gzipSync(`[]\n${'{"a": 1}\n'.repeat(1_000)}`),
    ),
  );
  return { inputs, words: WORDS, encode: encodeHttp };
}

/** A request in chunks, each of its own part. */
function chunked(first: string, headers: readonly string[], chunks: readonly string[]): Buffer[] {
  const written = chunks.map((chunk) => {
    const bytes = Buffer.from(chunk, "latin1");
    return `${bytes.length.toString(16)}\r\n${bytes.toString("latin1")}\r\n`;
  });
  const lines = [first, ...headers, "transfer-encoding: chunked"].map((line) => `${line}\r\n`);
  return [...lines, "\r\n", ...written, "0\r\n", "\r\n"].map((part) => Buffer.from(part, "latin1"));
}

/** A request without a body. */
function bare(first: string, headers: readonly string[]): Buffer[] {
  return [first, ...headers, ""].map((line) => Buffer.from(`${line}\r\n`));
}

const WORDS = [
  "\r\n",
  "\r\n\r\n",
  "\n",
  "\0",
  " ",
  ":",
  ";",
  ",",
  "/",
  "//",
  "/../",
  "%2f",
  "%00",
  "%zz",
  "%ff",
  "?",
  "?forceenv=",
  "&timeout=1",
  "&args=",
  "HTTP/1.0",
  "HTTP/2.0",
  "GET ",
  "HEAD ",
  "CONNECT ",
  "OPTIONS * HTTP/1.1\r\n",
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  "content-length: 0\r\n",
  "content-length: 4\r\n",
  "content-length: 100001\r\n",
  "content-length: 18446744073709551616\r\n",
  "transfer-encoding: chunked\r\n",
  "transfer-encoding: gzip, chunked\r\n",
  "content-encoding: gzip\r\n",
  "content-encoding: br\r\n",
  "content-encoding: deflate\r\n",
  "connection: close\r\n",
  "connection: upgrade\r\nupgrade: websocket\r\n",
  "connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n",
  "expect: 100-continue\r\n",
  "expect: nothing\r\n",
  "lever-timeout: 1\r\n",
  "lever-timeout: 9999999999s\r\n",
  "accept: text/event-stream\r\n",
  "content-type: application/json; charset=\r\n",
  "content-type: text/plain\r\n",
  "host: \r\n",
  "host: [::1]\r\n",
  "host: dev.lever\r\n",
  "origin: null\r\n",
  "x-lever-src-env: admin.lever\r\n",
  "authorization: Bearer lever_none\r\n",
  "ffffffffffffffff\r\n",
  "0\r\n\r\n",
  "fuzz",
  "echo",
  "echoChan",
  "countChan",
  "newResource",
  "__proto__",
  "constructor",
  "\u202e\u{1f4a9}",
  "[[[[[[[[[[",
  '{"a":',
  "null",
  "1e999",
];
