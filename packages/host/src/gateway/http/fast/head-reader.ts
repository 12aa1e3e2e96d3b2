import type { Limits } from "@leveros/protocol";
import { type Connection, type IncomingCall, isForwarded } from "../../admission/admit-call.ts";
import { acceptedCoding, type ResponseCoding } from "../content-coding.ts";
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
  /** The last head: the first `#last.headBytes` bytes. */
  #lastBytes = NOTHING;
  /** The end of its request line. */
  #lastLineEnd = 0;
  #last: FastRequest | undefined;

  constructor(limits: Pick<Limits, "headerBytesMax" | "callTimeoutMaxMs">, socket: Connection) {
    this.#limits = limits;
    this.#socket = socket;
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
    const head = parsePlainHead(bytes.toString("latin1", 0, headBytes), this.#limits);
    if (head === undefined) return "notPlain";
    const coding = this.#coding(head);
    const incoming = this.#incomingCall(head);
    this.#lastLineEnd = bytes.indexOf(CR);
    return this.#remember(bytes, { head, headBytes, incoming, coding });
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
    if (this.#lastBytes.length < headBytes) this.#lastBytes = Buffer.allocUnsafe(headBytes);
    bytes.copy(this.#lastBytes, 0, 0, headBytes);
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
