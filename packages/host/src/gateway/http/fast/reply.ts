import type { Socket } from "node:net";
import {
  type CallHandle,
  type CallListener,
  cancelled,
  endedWithoutReply,
  formatCallId,
  type LeverError,
  PAYLOAD_BYTES,
  type PayloadKind,
  type TraceContext,
  type WaitTimes,
} from "@leveros/protocol";
import { isSampledNumber, nextCallNumber } from "../../../router/call-numbers.ts";
import { isSampledBy, tracedBy } from "../../call-marks.ts";
import { LARGE_REPLY_BYTES, tooManyReplies, type UnreadReplies } from "../../unread-replies.ts";
import { compressResponse, isWorthCompressing, type ResponseCoding } from "../content-coding.ts";
import { readingHeaders } from "../cors.ts";
import {
  type AnsweredCall,
  type Headers,
  methodErrorParts,
  problemParts,
  type ResponseParts,
  resultParts,
} from "../response-parts.ts";
import { openHead, writeToSocket } from "../write-response.ts";
import type { PlainHead } from "./plain-head.ts";

/** The heads of nearly all responses, made once. */
const JSON_HEAD: string = openHead(200, { "content-type": "application/json" });
const BYTES_HEAD: string = openHead(200, { "content-type": "application/octet-stream" });

/** Lets pages of any origin read the response. */
const READING_LINES = linesOf(readingHeaders("*"));

/** The values that change with time, for all connections. */
export interface FastShared {
  /** The clock at the last tick, in complete milliseconds. */
  readonly now: number;
  /** Each connection is closed after its response. */
  readonly isClosing: boolean;
  /** One call in so many is sampled. 0 = none. */
  readonly sampledEach: number;
  /** So many calls per second are sampled because their callers' traces are. */
  readonly sampledPerSecondMax: number;
  readonly replies: UnreadReplies;
  /** The rest of a head after the value of content-length, of a connection that is kept, and of one that is closed. */
  readonly keepAliveTail: string;
  readonly closeTail: string;
}

/** The owner of a reply. */
interface ReplyOwner {
  /** The call is over and answered. */
  onCallEnd(): void;
}

/** The state of a connection whose call is in progress: writes the response. A connection uses one for all its calls. */
export class FastReply implements AnsweredCall, CallListener {
  readonly phase = "call";
  readonly #socket: Socket;
  readonly #shared: FastShared;
  readonly #owner: ReplyOwner;
  call: CallHandle | undefined;
  number = 0;
  isSampled = false;
  trace: TraceContext | undefined;
  waitTimes: WaitTimes | undefined;
  #isAnswered = true;
  #isLast = false;
  #coding: ResponseCoding | undefined;
  /** Lines of the response's head that begin with the end of the line before. */
  #lines = "";
  #isCompressing = false;
  #isOver = true;

  constructor(socket: Socket, shared: FastShared, owner: ReplyOwner) {
    this.#socket = socket;
    this.#shared = shared;
    this.#owner = owner;
  }

  /** Begins the next call, and numbers it. `origin` = its pages may read the response. */
  begin(
    { isLast, headers }: Pick<PlainHead, "isLast" | "headers">,
    coding: ResponseCoding | undefined,
    origin: string | undefined,
  ): void {
    this.call = undefined;
    this.number = nextCallNumber();
    const trace = tracedBy(headers);
    const isOneOfMany = isSampledNumber(this.number, this.#shared.sampledEach);
    this.isSampled = isOneOfMany || isSampledBy(headers, trace, this.#shared.sampledPerSecondMax);
    this.trace = trace;
    this.waitTimes = undefined;
    this.#isAnswered = false;
    this.#isLast = isLast;
    this.#coding = coding;
    this.#lines = origin === undefined ? "" : readingLines(origin);
    this.#isOver = false;
  }

  /** The connection is closed after this response. */
  get isLast(): boolean {
    return this.#isLast || this.#shared.isClosing;
  }

  /** The caller has disconnected. */
  cancel(): void {
    if (!this.#isAnswered) this.call?.abort(cancelled("connectionClosed"));
  }

  onAssigned(waitTimes: WaitTimes): void {
    this.waitTimes = waitTimes;
  }

  onMessage(kind: PayloadKind, bytes: Uint8Array): void {
    if (this.#isAnswered) return;
    const coding = this.#coding;
    if (coding !== undefined && isWorthCompressing(kind, bytes))
      this.#compress(resultParts(kind, bytes, this), coding);
    else if (this.waitTimes === undefined && !this.isSampled)
      this.#write(kind === PAYLOAD_BYTES ? BYTES_HEAD : JSON_HEAD, bytes);
    else this.#writeParts(resultParts(kind, bytes, this));
  }

  onEnd(): void {
    if (!this.#isAnswered) this.#fail(endedWithoutReply());
    this.#end();
  }

  onFail(kind: PayloadKind, bytes: Uint8Array): void {
    if (!this.#isAnswered) this.#writeParts(methodErrorParts(kind, bytes, this));
    this.#end();
  }

  onAbort(error: LeverError): void {
    if (!this.#isAnswered) this.#fail(error);
    this.#end();
  }

  onDrain(): void {}

  #fail(error: LeverError): void {
    this.#writeParts(problemParts(error.ofCall(formatCallId(this.number))));
  }

  #end(): void {
    this.call = undefined;
    this.#isOver = true;
    if (!this.#isCompressing) this.#owner.onCallEnd();
  }

  /** The call is over for its owner when the response is written. */
  #compress(parts: ResponseParts, coding: ResponseCoding): void {
    this.#isAnswered = true;
    this.#isCompressing = true;
    compressResponse(parts, coding, (compressed) => {
      this.#isCompressing = false;
      this.#writeParts(compressed);
      if (this.#isOver) this.#owner.onCallEnd();
    });
  }

  #writeParts({ status, headers, body }: ResponseParts): void {
    this.#write(openHead(status, headers), body);
  }

  #write(head: string, body: Uint8Array): void {
    this.#isAnswered = true;
    const socket = this.#socket;
    if (socket.destroyed) return;
    const { replies, closeTail, keepAliveTail } = this.#shared;
    const tail = this.isLast ? closeTail : keepAliveTail;
    if (body.length <= LARGE_REPLY_BYTES) {
      writeToSocket(socket, `${head}${body.length}${this.#lines}${tail}`, body);
    } else if (replies.hasMemoryFor(body.length)) {
      writeToSocket(socket, `${head}${body.length}${this.#lines}${tail}`, body);
      if (socket.writableLength > 0) replies.hold(socket);
    } else this.#fail(tooManyReplies());
  }
}

function readingLines(origin: string): string {
  return origin === "*" ? READING_LINES : linesOf(readingHeaders(origin));
}

function linesOf(headers: Headers): string {
  return Object.entries(headers)
    .map(([name, value]) => `\r\n${name}: ${value}`)
    .join("");
}
