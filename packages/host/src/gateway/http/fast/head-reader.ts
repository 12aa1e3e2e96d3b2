import type { Limits } from "@leveros/protocol";
import { type Connection, type IncomingCall, isForwarded } from "../../admission/admit-call.ts";
import { acceptedCoding, type ResponseCoding } from "../content-coding.ts";
import type { KnownHead, KnownHeads } from "./known-heads.ts";
import {
  HEAD_END,
  isPlainStart,
  type PlainHead,
  parsePlainHead,
  withRequestLine,
} from "./plain-head.ts";

const NOTHING: Buffer = Buffer.alloc(0);

/** A request of which the head is read. */
export interface FastRequest {
  readonly head: PlainHead;
  /** Length of the head. */
  readonly headBytes: number;
  readonly incoming: IncomingCall;
  /** Large results are compressed; undefined = not. For callers on this machine compressing would take longer than sending. */
  readonly coding: ResponseCoding | undefined;
}

/**
 * Reads the heads of one connection. Callers repeat their heads, so one that equals the last is not parsed again. Nor are fields
 * that equal the last ones, as of a caller that calls several methods or resources.
 */
export class HeadReader {
  readonly #limits: Pick<Limits, "headerBytesMax" | "callTimeoutMaxMs">;
  readonly #socket: Connection;
  readonly #known: KnownHeads;
  /** The last head: the first `#last.headBytes` bytes. */
  #lastBytes = NOTHING;
  /** Memory for heads that only this connection sends. */
  #ownBytes = NOTHING;
  /** The end of its request line. */
  #lastLineEnd = 0;
  #last: FastRequest | undefined;

  constructor(
    limits: Pick<Limits, "headerBytesMax" | "callTimeoutMaxMs">,
    socket: Connection,
    known: KnownHeads,
  ) {
    this.#limits = limits;
    this.#socket = socket;
    this.#known = known;
  }

  /** Reads the head at the beginning of these bytes, of which at least one is there. */
  read(bytes: Buffer): FastRequest | "incomplete" | "notPlain" {
    const last = this.#last;
    if (last !== undefined) {
      if (this.#repeats(bytes, 0, 0)) return last;
      const lineEnd = bytes.indexOf(CR);
      if (lineEnd !== -1 && this.#repeats(bytes, lineEnd, this.#lastLineEnd)) {
        return this.#readLine(bytes, lineEnd, last);
      }
    }
    const { headerBytesMax } = this.#limits;
    const end = bytes.indexOf(HEAD_END);
    if (end === -1 && bytes.length <= headerBytesMax) {
      // Node's server refuses a malformed head without waiting for its end.
      return isPlainStart(bytes.toString("latin1")) ? "incomplete" : "notPlain";
    }
    const headBytes = end + HEAD_END.length;
    if (end === -1 || headBytes > headerBytesMax) return "notPlain";
    // The heads of a connection that differ in each request would only displace those that are shared.
    if (last === undefined) return this.#readFirst(bytes, headBytes);
    const head = this.#parse(bytes, headBytes);
    if (head === undefined) return "notPlain";
    this.#lastLineEnd = bytes.indexOf(CR);
    return this.#remember(bytes, this.#request(head, headBytes));
  }

  /** Reads the first head of the connection, which others may have sent before. */
  #readFirst(bytes: Buffer, headBytes: number): FastRequest | "notPlain" {
    const known = this.#known.find(bytes, headBytes) ?? this.#makeKnown(bytes, headBytes);
    if (known === undefined) return "notPlain";
    this.#lastBytes = known.bytes;
    this.#lastLineEnd = known.lineEnd;
    this.#last = this.#request(known.head, headBytes);
    return this.#last;
  }

  #makeKnown(bytes: Buffer, headBytes: number): KnownHead | undefined {
    const head = this.#parse(bytes, headBytes);
    if (head === undefined) return undefined;
    const copy = Buffer.from(bytes.subarray(0, headBytes));
    const known = { bytes: copy, head, lineEnd: bytes.indexOf(CR) };
    this.#known.add(known);
    return known;
  }

  #parse(bytes: Buffer, headBytes: number): PlainHead | undefined {
    return parsePlainHead(bytes.toString("latin1", 0, headBytes), this.#limits);
  }

  #request(head: PlainHead, headBytes: number): FastRequest {
    return { head, headBytes, incoming: this.#incomingCall(head), coding: this.#coding(head) };
  }

  /** The last head as it was sent, until the next is read. */
  get lastHead(): Buffer {
    return this.#lastBytes.subarray(0, this.#last?.headBytes ?? 0);
  }

  /** True when the bytes from an index on begin with the last head from another index on. */
  #repeats(bytes: Buffer, from: number, lastFrom: number): boolean {
    const lastEnd = this.#last?.headBytes ?? 0;
    const end = from + lastEnd - lastFrom;
    return (
      bytes.length >= end && bytes.compare(this.#lastBytes, lastFrom, lastEnd, from, end) === 0
    );
  }

  /** Reads a head with another request line than the last one, and the same fields. */
  #readLine(bytes: Buffer, lineEnd: number, last: FastRequest): FastRequest | "notPlain" {
    const headBytes = lineEnd + last.headBytes - this.#lastLineEnd;
    if (headBytes > this.#limits.headerBytesMax) return "notPlain";
    const line = bytes.toString("latin1", 0, lineEnd);
    const head = withRequestLine(last.head, line, this.#limits);
    if (head === undefined) return "notPlain";
    const { target, askedMs } = head;
    const { door, request, isStream } = last.incoming;
    const incoming = { door, target, request, isStream, askedMs };
    this.#lastLineEnd = lineEnd;
    return this.#remember(bytes, { head, headBytes, incoming, coding: last.coding });
  }

  /** Copies the head: the connection's own buffer is larger, and would stay in memory. */
  #remember(bytes: Buffer, request: FastRequest): FastRequest {
    const { headBytes } = request;
    if (this.#ownBytes.length < headBytes) this.#ownBytes = Buffer.allocUnsafe(headBytes);
    bytes.copy(this.#ownBytes, 0, 0, headBytes);
    this.#lastBytes = this.#ownBytes;
    this.#last = request;
    return request;
  }

  #coding({ headers }: PlainHead): ResponseCoding | undefined {
    const coding = acceptedCoding(headers["accept-encoding"]);
    // The address takes a system call.
    const isLocal = coding && /^(::ffff:)?127\.|^::1$/.test(this.#socket.remoteAddress ?? "");
    return isLocal === true ? undefined : coding;
  }

  #incomingCall({ target, headers, askedMs }: PlainHead): IncomingCall {
    const socket = this.#socket;
    const request = { method: "POST", headers, socket, isForwarded: isForwarded(headers) };
    return { door: "http", target, request, isStream: false, askedMs };
  }
}

const CR = 13;
const LF = 10;

/** Empty lines before a request are ignored (RFC 9112, 2.2). */
export function withoutEmptyLines(bytes: Buffer): Buffer {
  let start = 0;
  while (bytes[start] === CR || bytes[start] === LF) start++;
  return start === 0 ? bytes : bytes.subarray(start);
}
