import { describe, expect, it } from "vitest";
import { MalformedAnswer, type ProgramHead } from "./response-head.ts";
import { ResponseReader } from "./response-reader.ts";

/** The parts of an answer that a reader has passed on. */
interface Read {
  readonly status: number | undefined;
  readonly fields: readonly string[];
  readonly content: string;
  /** The answer is complete, and was reported so once. */
  readonly ends: number;
  /** Bytes that do not belong to the answer. */
  readonly rest: string;
  readonly keepsAlive: boolean | undefined;
}

interface Asked {
  readonly method?: string;
  readonly isUpgrade?: boolean;
  /** The connection ends after the bytes. */
  readonly isClosed?: boolean;
  /** Bytes that arrive at once. */
  readonly step?: number;
}

function read(text: string, asked: Asked = {}): Read {
  const { method = "GET", isUpgrade = false, isClosed = false, step = text.length } = asked;
  let head: ProgramHead | undefined;
  let content = "";
  let ends = 0;
  const reader = new ResponseReader(
    { method, isUpgrade },
    {
      onHead: (found, isLast) => {
        head = found;
        if (isLast) ends++;
      },
      onContent: (piece, isLast) => {
        content += piece.toString("latin1");
        if (isLast) ends++;
      },
    },
  );
  const bytes = Buffer.from(text, "latin1");
  let rest = "";
  for (let at = 0; at < bytes.length; at += step) {
    const piece = bytes.subarray(at, at + step);
    const taken = reader.isComplete ? 0 : reader.push(piece);
    rest += piece.toString("latin1", taken);
  }
  if (isClosed) reader.finish();
  const { status, fields = [], keepsAlive } = head ?? {};
  return { status, fields, content, ends, rest, keepsAlive };
}

const head = (fields: string, status = "200 OK", version = "1.1"): string =>
  `HTTP/${version} ${status}\r\n${fields}\r\n`;

describe.each([
  ["at once", undefined],
  ["byte by byte", 1],
])("an answer that arrives %s", (_how, step) => {
  it.each<[string, string, Asked, Partial<Read>]>([
    [
      "with a length",
      `${head("Content-Length: 5\r\nX-A:  b \r\n")}hello`,
      {},
      { fields: ["content-length", "5", "x-a", "b"], content: "hello", keepsAlive: true },
    ],
    ["with no content", head("content-length: 0\r\n"), {}, { content: "", keepsAlive: true }],
    [
      "in chunks with extensions and trailers",
      `${head("transfer-encoding: chunked\r\n")}3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nx-t: 1\r\n\r\n`,
      {},
      { content: "abcde", keepsAlive: true },
    ],
    [
      "in one chunk without content",
      `${head("transfer-encoding: chunked\r\n")}0\r\n\r\n`,
      {},
      { content: "", keepsAlive: true },
    ],
    [
      "until its connection ends",
      `${head("")}hello`,
      { isClosed: true },
      { content: "hello", keepsAlive: false },
    ],
    [
      "of HTTP/1.0",
      `${head("content-length: 2\r\n", "200 OK", "1.0")}ab`,
      {},
      { content: "ab", keepsAlive: false },
    ],
    [
      "of HTTP/1.0 that keeps its connection",
      `${head("content-length: 2\r\nConnection: Keep-Alive\r\n", "200 OK", "1.0")}ab`,
      {},
      { content: "ab", keepsAlive: true },
    ],
    [
      "that closes its connection",
      `${head("content-length: 2\r\nconnection: x-a, Close\r\n")}ab`,
      {},
      { content: "ab", keepsAlive: false },
    ],
    [
      "to HEAD, with the length of another one",
      head("content-length: 5\r\n"),
      { method: "HEAD" },
      { content: "", keepsAlive: true },
    ],
    ["with the status 204", head("", "204 No Content"), {}, { content: "", keepsAlive: true }],
    [
      "with the status 304 and a length",
      head("content-length: 5\r\n", "304 Not Modified"),
      {},
      { content: "", keepsAlive: true },
    ],
    [
      "after interim ones",
      `${head("", "100 Continue")}${head("link: </a>\r\n", "103 Early Hints")}${head("content-length: 1\r\n")}a`,
      {},
      { status: 200, fields: ["content-length", "1"], content: "a", keepsAlive: true },
    ],
    ["without a reason", `${head("content-length: 0\r\n", "404")}`, {}, { status: 404 }],
    [
      "with bytes after it",
      `${head("content-length: 1\r\n")}aHTTP/1.1 200 OK\r\n`,
      {},
      { content: "a", rest: "HTTP/1.1 200 OK\r\n" },
    ],
    [
      "that opens a WebSocket",
      `${head("upgrade: websocket\r\n", "101 Switching Protocols")}\x81\x00\r\n`,
      { isUpgrade: true, isClosed: true },
      { status: 101, content: "\x81\x00\r\n", keepsAlive: false },
    ],
    [
      "that refuses a WebSocket",
      `${head("content-length: 2\r\n", "403 Forbidden")}no`,
      { isUpgrade: true },
      { status: 403, content: "no" },
    ],
  ])("is read: one %s", (_what, text, asked, expected) => {
    expect(read(text, { ...asked, ...(step !== undefined && { step }) })).toMatchObject({
      rest: "",
      ends: 1,
      ...expected,
    });
  });
});

it.each<[string, string, Asked?]>([
  ["another protocol", "SSH-2.0-OpenSSH\r\n\r\n"],
  ["HTTP/2", "HTTP/2 200\r\n\r\n"],
  ["a status of two digits", "HTTP/1.1 20 OK\r\n\r\n"],
  ["a field without a name", head(": a\r\n")],
  ["a field without a colon", head("a\r\n")],
  ["a space before the colon", head("content-length : 1\r\n")],
  ["a folded field", head("x-a: b\r\n c\r\n")],
  ["a line without CR", head("x-a: b\ncontent-length: 1\r\n")],
  ["two lengths", head("content-length: 1\r\ncontent-length: 1\r\n")],
  ["a list of lengths", head("content-length: 1, 1\r\n")],
  ["a negative length", head("content-length: -1\r\n")],
  ["a length in hexadecimal digits", head("content-length: 0x1\r\n")],
  ["a length and chunks", head("content-length: 1\r\ntransfer-encoding: chunked\r\n")],
  ["two codings", head("transfer-encoding: gzip, chunked\r\n")],
  ["a coding after chunked", head("transfer-encoding: chunked\r\ntransfer-encoding: x\r\n")],
  ["a chunk without a size", `${head("transfer-encoding: chunked\r\n")}\r\n`],
  ["a chunk with a negative size", `${head("transfer-encoding: chunked\r\n")}-1\r\n`],
  [
    "a chunk with a size beyond numbers",
    `${head("transfer-encoding: chunked\r\n")}${"f".repeat(13)}\r\n`,
  ],
  ["a chunk that is longer than its size", `${head("transfer-encoding: chunked\r\n")}1\r\nab\r\n`],
  ["a chunk's line without CR", `${head("transfer-encoding: chunked\r\n")}1\na\r\n`],
  ["a WebSocket without a request for it", head("", "101 Switching Protocols")],
  ["an early end", `${head("content-length: 3\r\n")}ab`, { isClosed: true }],
  [
    "an early end of chunks",
    `${head("transfer-encoding: chunked\r\n")}1\r\na\r\n`,
    { isClosed: true },
  ],
  ["no end of its head", "HTTP/1.1 200 OK\r\n", { isClosed: true }],
  ["a head without end", `HTTP/1.1 200 OK\r\nx-a: ${"a".repeat(1_100_000)}`],
  ["interim answers without end", head("", "103 Early Hints").repeat(101)],
])("an answer with %s is refused", (_what, text, asked) => {
  expect(() => read(text, asked)).toThrow(MalformedAnswer);
});

it.each([
  ["timeout=5, max=100", 5],
  ["max=1,timeout=30", 30],
  ["max=1", undefined],
])("the time of an idle connection is read from keep-alive: %s", (value, seconds) => {
  let found: ProgramHead | undefined;
  const reader = new ResponseReader(
    { method: "GET", isUpgrade: false },
    {
      onHead: (given) => {
        found = given;
      },
      onContent() {},
    },
  );
  reader.push(Buffer.from(head(`keep-alive: ${value}\r\ncontent-length: 0\r\n`)));
  expect(found?.keepAliveSeconds).toBe(seconds);
});
