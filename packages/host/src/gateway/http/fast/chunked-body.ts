import { ArrivingBody, type BodyMemory, type Limits } from "@leveros/protocol";
import { type IncomingBody, SizedBody } from "./incoming-body.ts";
import type { PlainHead } from "./plain-head.ts";

const CR = 13;
const LF = 10;
/** More digits are possible only with zeros before them, or for a chunk over every limit. */
const DIGITS_MAX = 8;

/**
 * A body in chunks (RFC 9112, 7.1), in the form that senders use. Node's server reads those of another form, which are
 * malformed or rare: chunks with extensions, and trailers.
 */
export class ChunkedBody implements IncomingBody {
  readonly #bytesMax: number;
  readonly arriving: ArrivingBody<Buffer>;
  isComplete = false;
  /** Node's server must read the body: it is over the limit, or goes on in another form. */
  isIrregular = false;
  /** Bytes of the current chunk that have not arrived. */
  #left = 0;
  /** The end of the line after a chunk's bytes has not arrived. */
  #isChunkOpen = false;

  constructor(bytesMax: number, source: BodyMemory<Buffer>) {
    this.#bytesMax = bytesMax;
    this.arriving = new ArrivingBody(source, { bytesMax, isLengthKnown: false });
  }

  receive(bytes: Buffer): number {
    let at = 0;
    while (at < bytes.length && !this.isComplete) {
      const read = this.#isChunkOpen ? this.#readChunk(bytes, at) : this.#readSize(bytes, at);
      if (read === 0) break;
      at += read;
    }
    return at;
  }

  /** The body so far in chunks that mean the same, with what `receive` has read. */
  *restore(): Generator<Buffer> {
    const { body } = this.arriving;
    const bytes = body.length + this.#left;
    if (bytes === 0) return;
    yield Buffer.from(`${bytes.toString(16)}\r\n`);
    yield body;
    if (!this.#isChunkOpen) yield Buffer.from("\r\n");
  }

  /** Returns 0 when more bytes have to arrive first, or the form is another one. */
  #readChunk(bytes: Buffer, at: number): number {
    const taken = Math.min(bytes.length - at, this.#left);
    if (taken > 0) {
      this.arriving.add(bytes.subarray(at, at + taken));
      this.#left -= taken;
      return taken;
    }
    if (!this.#isLineEnd(bytes, at)) return 0;
    this.#isChunkOpen = false;
    return 2;
  }

  #readSize(bytes: Buffer, at: number): number {
    let size = 0;
    let end = at;
    for (; end < bytes.length && end <= at + DIGITS_MAX; end++) {
      const digit = hexDigit(bytes[end] ?? 0);
      if (digit === -1) break;
      size = size * 16 + digit;
    }
    if (end === bytes.length && end <= at + DIGITS_MAX) return 0;
    if (end === at || end > at + DIGITS_MAX || this.arriving.bytes + size > this.#bytesMax) {
      this.isIrregular = true;
      return 0;
    }
    if (!this.#isLineEnd(bytes, end)) return 0;
    if (size === 0) {
      if (!this.#isLineEnd(bytes, end + 2)) return 0;
      this.isComplete = true;
      return end + 4 - at;
    }
    this.#left = size;
    this.#isChunkOpen = true;
    return end + 2 - at;
  }

  /** False = it is not complete, or not the end of a line. */
  #isLineEnd(bytes: Buffer, at: number): boolean {
    if (at >= bytes.length) return false;
    if (bytes[at] === CR && at + 1 === bytes.length) return false;
    const isEnd = bytes[at] === CR && bytes[at + 1] === LF;
    this.isIrregular = !isEnd;
    return isEnd;
  }
}

/** The body that a head announces. */
export function incomingBody(
  { bodyBytes }: Pick<PlainHead, "bodyBytes">,
  { bodyBytesMax }: Pick<Limits, "bodyBytesMax">,
  source: BodyMemory<Buffer>,
): IncomingBody {
  if (bodyBytes === undefined) return new ChunkedBody(bodyBytesMax, source);
  return new SizedBody(bodyBytes, source);
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
