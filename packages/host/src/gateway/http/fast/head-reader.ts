import type { Limits } from "@leveros/protocol";
import { type Connection, type IncomingCall, isForwarded } from "../../admission/admit-call.ts";
import { acceptedCoding, type ResponseCoding } from "../content-coding.ts";
import { HEAD_END, isPlainStart, type PlainHead, parsePlainHead } from "./plain-head.ts";

/** A request of which the head is read. */
export interface FastRequest {
  readonly head: PlainHead;
  /** Length of the head. */
  readonly headBytes: number;
  readonly incoming: IncomingCall;
  /** Large results are compressed; undefined = not. For callers on this machine compressing would take longer than sending. */
  readonly coding: ResponseCoding | undefined;
}

/** Reads the heads of one connection. Callers repeat their head, so one that equals the last is not parsed again. */
export class HeadReader {
  readonly #limits: Pick<Limits, "headerBytesMax" | "callTimeoutMaxMs">;
  readonly #socket: Connection;
  #lastBytes: Buffer = Buffer.alloc(0);
  #last: FastRequest | undefined;

  constructor(limits: Pick<Limits, "headerBytesMax" | "callTimeoutMaxMs">, socket: Connection) {
    this.#limits = limits;
    this.#socket = socket;
  }

  /** Reads the head at the beginning of these bytes, of which at least one is there. */
  read(bytes: Buffer): FastRequest | "incomplete" | "notPlain" {
    const last = this.#lastBytes;
    if (this.#last !== undefined && bytes.length >= last.length) {
      if (bytes.compare(last, 0, last.length, 0, last.length) === 0) return this.#last;
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
    // A copy: the connection's buffer is larger, and would stay in memory.
    this.#lastBytes = Buffer.from(bytes.subarray(0, headBytes));
    const isLocal = /^(::ffff:)?127\.|^::1$/.test(this.#socket.remoteAddress ?? "");
    const coding = isLocal ? undefined : acceptedCoding(head.headers["accept-encoding"]);
    this.#last = { head, headBytes, incoming: this.#incomingCall(head), coding };
    return this.#last;
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
