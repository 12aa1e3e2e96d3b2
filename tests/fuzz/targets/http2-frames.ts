import * as http2 from "node:http2";
import { Duplex } from "node:stream";

/*
 * The bytes of a client on one HTTP/2 connection, as the parts of an input: one part for each frame, after a byte that
 * says how it is written. The encoder adds lengths.
 *
 *     kind | type (of RAW) | flags | u32 stream | payload
 */
const RAW = 0;
const HEADERS = 1;
const MESSAGE = 2;

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const FRAME_HEADER_BYTES = 9;
const TYPE_DATA = 0;
const TYPE_HEADERS = 1;
const TYPE_RST_STREAM = 3;
const TYPE_GOAWAY = 7;
const END_STREAM = 1;
const END_HEADERS = 4;

/** A frame as it is. */
export function rawFrame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.of(RAW, type, flags), u32(stream), payload]);
}

/** Headers, a line each, as HPACK literals: where a word is put in, the lengths still fit. */
export function headersFrame(
  stream: number,
  headers: Readonly<Record<string, string>>,
  isLast = false,
): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}\t${value}\n`);
  const flags = END_HEADERS | (isLast ? END_STREAM : 0);
  return Buffer.concat([Buffer.of(HEADERS, flags), u32(stream), Buffer.from(lines.join(""))]);
}

export function dataFrame(stream: number, payload: Buffer, isLast = false): Buffer {
  return rawFrame(TYPE_DATA, isLast ? END_STREAM : 0, stream, payload);
}

/** A DATA frame with one gRPC message. */
export function messageFrame(stream: number, message: Uint8Array, isLast = false): Buffer {
  return Buffer.concat([Buffer.of(MESSAGE, isLast ? END_STREAM : 0), u32(stream), message]);
}

/** The preface, and the frames. */
export function encodeHttp2(parts: readonly Buffer[]): Buffer {
  return Buffer.concat([PREFACE, ...parts.map(encodePart)]);
}

function encodePart(part: Buffer): Buffer {
  const isRaw = part[0] === RAW;
  const fixed = part.subarray(1, isRaw ? 7 : 6);
  const rest = part.subarray(1 + fixed.length);
  if (isRaw) return frame(fixed, rest);
  const isMessage = part[0] === MESSAGE;
  const head = Buffer.concat([Buffer.of(isMessage ? TYPE_DATA : TYPE_HEADERS), fixed]);
  if (isMessage) return frame(head, Buffer.concat([Buffer.of(0), u32(rest.length), rest]));
  const fields = rest.toString("latin1").split("\n").filter(Boolean).map(literalField);
  return frame(head, Buffer.concat(fields));
}

/** `head` is type, flags and stream: with fewer bytes the frame is broken, as it may be. */
function frame(head: Buffer, payload: Buffer): Buffer {
  return Buffer.concat([u32(payload.length).subarray(1), head, payload]);
}

/** A field that is never indexed, with a new name (RFC 7541, 6.2.3). */
function literalField(line: string): Buffer {
  const [name = "", ...value] = line.split("\t");
  return Buffer.concat([Buffer.of(0x10), literal(name), literal(value.join("\t"))]);
}

/** A string without Huffman coding (RFC 7541, 5.2), its length with a prefix of seven bits. */
function literal(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  const length: number[] = [];
  let rest = bytes.length;
  if (rest < 127) length.push(rest);
  else {
    length.push(127);
    for (rest -= 127; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) + 128);
    length.push(rest);
  }
  return Buffer.concat([Buffer.from(length), bytes]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Records the bytes of Node's own client for some requests, one after the other, as parts. */
export async function recordHttp2(
  requests: readonly { headers: http2.OutgoingHttpHeaders; body: Buffer }[],
): Promise<Buffer[]> {
  const sent: Buffer[] = [];
  const wire = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      sent.push(Buffer.from(chunk));
      done();
    },
  });
  const client = http2.connect("http://dev.lever", { createConnection: () => wire });
  client.on("error", () => {});
  for (const { headers, body } of requests) {
    const stream = client.request(headers);
    stream.on("error", () => {});
    const finished = new Promise((resolve) => stream.on("finish", resolve));
    stream.end(body);
    await finished;
  }
  await new Promise((resolve) => setImmediate(resolve));
  client.destroy();
  return splitFrames(Buffer.concat(sent).subarray(PREFACE.length)).map(
    ({ type, flags, stream, payload }) => rawFrame(type, flags, stream, payload),
  );
}

/** True once every stream that a server can answer has its end, or all of them together. */
export function isAnswered(answer: Buffer): boolean {
  return splitFrames(answer).some(
    ({ type, flags }) =>
      type === TYPE_GOAWAY ||
      type === TYPE_RST_STREAM ||
      ((type === TYPE_DATA || type === TYPE_HEADERS) && (flags & END_STREAM) !== 0),
  );
}

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** The complete frames in these bytes. */
export function splitFrames(bytes: Buffer): Frame[] {
  const frames: Frame[] = [];
  let at = 0;
  while (bytes.length - at >= FRAME_HEADER_BYTES) {
    const end = at + FRAME_HEADER_BYTES + bytes.readUIntBE(at, 3);
    if (end > bytes.length) break;
    frames.push({
      type: bytes.readUInt8(at + 3),
      flags: bytes.readUInt8(at + 4),
      stream: bytes.readUInt32BE(at + 5) % 0x8000_0000,
      payload: bytes.subarray(at + FRAME_HEADER_BYTES, end),
    });
    at = end;
  }
  return frames;
}
