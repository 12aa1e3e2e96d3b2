import { openHostSubject } from "../host-subject.ts";
import type { Corpus } from "../mutator.ts";
import type { FuzzTarget } from "../target.ts";

export const websocket: FuzzTarget = {
  name: "websocket",
  open: () =>
    openHostSubject(() => ({
      corpus: corpus(),
      isAnswered: (answer) =>
        !answer.subarray(0, SWITCHING.length).equals(SWITCHING) || hasClose(answer),
      judge(bytes, { answer }) {
        // That is HTTP/2.
        if (bytes.toString("latin1", 0, 3) === "PRI") return;
        if (answer.length > 0 && !/^HTTP\/1\.1 \d{3} /.test(answer.toString("latin1", 0, 20))) {
          throw new Error(`it was answered with ${answer.toString("latin1", 0, 200)}`);
        }
      },
    })),
};

const SWITCHING = Buffer.from("HTTP/1.1 101 ");

/*
 * The parts of an input: the request's lines as they are, and behind a byte FRAME each frame, its first byte and its
 * payload; length and mask are added when it is encoded.
 */
const FRAME = 0x02;
const MASK = Buffer.from([0x11, 0x22, 0x33, 0x44]);
const FIN = 0x80;
const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

function frame(opcode: number, payload: string | Buffer, first = FIN): Buffer {
  return Buffer.concat([Buffer.of(FRAME, first | opcode), Buffer.from(payload)]);
}

function encode(parts: readonly Buffer[]): Buffer {
  return Buffer.concat(
    parts.map((part) => {
      if (part[0] !== FRAME) return part;
      const payload = part.subarray(2).map((byte, at) => byte ^ (MASK[at % 4] ?? 0));
      return Buffer.concat([part.subarray(1, 2), maskedLength(payload.length), MASK, payload]);
    }),
  );
}

/** The payload's length (RFC 6455, 5.2), with the bit that says it is masked. */
function maskedLength(length: number): Buffer {
  if (length < 126) return Buffer.of(0x80 | length);
  const isShort = length < 65_536;
  const bytes = Buffer.alloc(isShort ? 3 : 9);
  bytes[0] = 0x80 | (isShort ? 126 : 127);
  bytes.writeUIntBE(length, isShort ? 1 : 5, isShort ? 2 : 4);
  return bytes;
}

/** True once a whole frame that closes has come. */
function hasClose(answer: Buffer): boolean {
  const head = answer.indexOf("\r\n\r\n");
  let at = head + 4;
  while (head !== -1 && at + 2 <= answer.length) {
    const short = answer.readUInt8(at + 1) & 0x7f;
    const headBytes = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (at + headBytes > answer.length) return false;
    const length =
      short === 126
        ? answer.readUInt16BE(at + 2)
        : short === 127
          ? answer.readUInt32BE(at + 6)
          : short;
    if ((answer.readUInt8(at) & 0x0f) === CLOSE) return at + headBytes + length <= answer.length;
    at += headBytes + length;
  }
  return false;
}

function upgrade(path: string, ...headers: readonly string[]): Buffer[] {
  return [
    `GET ${path} HTTP/1.1`,
    "host: dev.lever",
    "connection: upgrade",
    "upgrade: websocket",
    "sec-websocket-version: 13",
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
    ...headers,
    "",
  ].map((line) => Buffer.from(`${line}\r\n`));
}

const done = frame(CLOSE, Buffer.from([0x03, 0xe8]));
const halfClose = frame(TEXT, "");
const lever = "sec-websocket-protocol: lever";

function corpus(): Corpus {
  const inputs = [
    [
      ...upgrade("/fuzz/echoChan?timeout=2s"),
      frame(TEXT, "[]"),
      frame(TEXT, '{"a": 1}'),
      halfClose,
    ],
    [
      ...upgrade("/fuzz/echoChan?timeout=2s", lever),
      frame(TEXT, "[1]"),
      frame(TEXT, "+1000"),
      frame(BINARY, Buffer.alloc(300, 7)),
      frame(PING, "are you there"),
      halfClose,
      done,
    ],
    [
      ...upgrade(
        "/fuzz/echoChan?forceenv=dev.lever&timeout=2s",
        lever,
        "origin: https://a.example",
      ),
      frame(BINARY, Buffer.alloc(100, 1)),
      frame(TEXT, '["in', 0),
      frame(0, ' pieces"', 0),
      frame(PONG, ""),
      frame(0, "]"),
      frame(BINARY, Buffer.alloc(70_000, 7)),
      done,
    ],
    [
      ...upgrade("/fuzz/room/1/countChan?timeout=2s", "sec-websocket-protocol: other, lever"),
      frame(TEXT, "[3]"),
    ],
    [...upgrade("/fuzz/echo", lever), frame(TEXT, "[]"), done],
    [
      ...upgrade(
        "/fuzz/countChan?timeout=2s",
        "sec-websocket-extensions: permessage-deflate; client_max_window_bits",
      ),
      frame(TEXT, "[5]"),
      done,
    ],
  ];
  return { inputs, words: WORDS, encode };
}

const WORDS: readonly (string | Buffer)[] = [
  "\r\n",
  "\r\n\r\n",
  "sec-websocket-version: 8\r\n",
  "sec-websocket-key: short\r\n",
  "sec-websocket-protocol: lever\r\n",
  "sec-websocket-protocol: ,\r\n",
  "sec-websocket-protocol: lever, lever\r\n",
  "sec-websocket-protocol: bearer.lever_none, lever\r\n",
  "sec-websocket-extensions: permessage-deflate\r\n",
  "upgrade: h2c\r\n",
  "connection: close\r\n",
  "content-length: 5\r\n",
  "transfer-encoding: chunked\r\n",
  "expect: 100-continue\r\n",
  "origin: null\r\n",
  "lever-timeout: 1\r\n",
  "POST ",
  "forceenv=admin.lever",
  "&timeout=1",
  "%ff",
  "chan",
  "echo",
  "+",
  "+1e300",
  "+-5",
  "!",
  '!{"error":',
  "[",
  "[[[[",
  "null",
  "\xff",
  halfClose,
  done,
  frame(CLOSE, ""),
  frame(CLOSE, Buffer.from([0])),
  frame(CLOSE, Buffer.from([0x03, 0xed])),
  frame(CLOSE, Buffer.from([0x0f, 0xa0, 0xff, 0xfe])),
  frame(PING, Buffer.alloc(126)),
  frame(TEXT, "[]", 0),
  frame(0, "rest"),
  // Reserved bits and opcodes; lengths without bytes, and impossible lengths.
  frame(TEXT, "[]", FIN | 0x40),
  frame(3, "[]"),
  Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]),
  Buffer.from([0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
  Buffer.from([0x81, 0x02, 0x5b, 0x5d]),
];
