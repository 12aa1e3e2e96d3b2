import type { Socket } from "node:net";
import {
  type CallHandle,
  type CallListener,
  type LeverError,
  PAYLOAD_JSON,
  type PayloadKind,
  type WaitTimes,
} from "@leveros/protocol";
import { asLeverError } from "../../../logs/as-lever-error.ts";
import type { IncomingCall } from "../../admission/admit-call.ts";
import { BodyReservation } from "../../body-budget.ts";
import { bodyTooSlow } from "../body.ts";
import { LINGER_MS } from "../discard-body.ts";
import { callerDisconnected, noReply } from "../reply.ts";
import {
  methodErrorParts,
  problemParts,
  type ResponseParts,
  resultParts,
} from "../response-parts.ts";
import { headTooSlow } from "../server.ts";
import { openHead, rejectConnection, writeToSocket } from "../write-response.ts";
import type { DirectOptions } from "./fast-connections.ts";
import { HEAD_END, type PlainHead, parsePlainHead } from "./plain-head.ts";

/** What a caller may send ahead of an answer before it is no longer read. */
const PIPELINED_BYTES_MAX = 64 * 1024;
const NOTHING: Buffer = Buffer.alloc(0);
const JSON_HEAD: string = openHead(200, { "content-type": "application/json" });

/** What a connection is at. */
type Phase =
  /** The next request has not begun, or its head is not whole. */
  | "head"
  /** The head is known. */
  | "body"
  /** The call is under way: its answer comes first. */
  | "call"
  /** It was handed over, or is closed. */
  | "over";

/**
 * A connection of HTTP/1.1 whose requests are plain calls of regular methods: one after the other is read, called and
 * answered with as little as that takes.
 *
 * - P1. Answers leave in the order of their requests, each once.
 * - P2. The first request that is more than plain goes, with all that follows, to Node's own server, which reads all of
 *   HTTP; what was sent before has its answer by then.
 * - P3. What has been read and not answered is bounded: one body within its limit, and 64 KiB.
 */
export class FastConnection implements CallListener {
  readonly #socket: Socket;
  readonly #options: DirectOptions;
  #phase: Phase = "head";
  /** Read, and not understood yet. */
  #unread: Buffer = NOTHING;
  #head: PlainHead | undefined;
  /** The last head as it came: callers repeat themselves. */
  #lastHeadBytes: Buffer = NOTHING;
  #lastHead: PlainHead | undefined;
  #lastIncoming: IncomingCall | undefined;
  #isHeadBegun = false;
  /** Of a body that does not come in one piece. */
  #body: Buffer | undefined;
  /** That it lies in, which may be larger. */
  #bodyMemory: Buffer | undefined;
  #bodyBytes = 0;
  readonly #reservation: BodyReservation;
  #call: CallHandle | undefined;
  /** How long the call waited; undefined = it did not. */
  #waitTimes: WaitTimes | undefined;
  #isAnswered = false;
  /** When it has waited too long for what comes next, by the lane's clock; 0 = it waits for nothing of the caller's. */
  timeoutAt = 0;

  constructor(socket: Socket, options: DirectOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#reservation = new BodyReservation(options.budget);
    socket.on("data", this.#onData);
    socket.on("end", this.#onCallerEnd);
    socket.on("drain", this.#onDrain);
    socket.on("close", this.#onClose);
    socket.on("error", onError);
  }

  /** Nothing of a request has come since the last answer. */
  get isIdle(): boolean {
    return this.#phase === "head" && this.#unread.length === 0;
  }

  /** Goes on with what has come. */
  #read(): void {
    while (!this.#isBlocked && this.#phase !== "over") {
      if (this.#phase === "head" && !this.#readHead()) return;
      if (this.#phase === "body" && !this.#readBody()) return;
    }
  }

  /** P1; and answers that nobody reads must not pile up. */
  get #isBlocked(): boolean {
    return this.#phase === "call" || this.#socket.writableNeedDrain;
  }

  /** The caller took too long. */
  timeOut(): void {
    const { limits } = this.#options;
    if (this.isIdle) {
      this.#socket.destroy();
      return;
    }
    const error = this.#phase === "body" ? bodyTooSlow(limits.requestTimeoutMs) : headTooSlow();
    this.#leave();
    this.#reservation.release();
    rejectConnection(this.#socket, error, LINGER_MS);
  }

  close(): void {
    this.#socket.destroy();
  }

  // What the caller sends.

  readonly #onData = (chunk: Buffer): void => {
    this.#unread = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk]);
    this.#read();
    // P3.
    if (this.#isBlocked && this.#unread.length > PIPELINED_BYTES_MAX) this.#socket.pause();
  };

  readonly #onDrain = (): void => this.#resumeReading();

  /** One that only half-closes cannot be told from one that has left, as with Node's server. */
  readonly #onCallerEnd = (): void => {
    this.#socket.destroySoon();
  };

  readonly #onClose = (): void => {
    const wasCalling = this.#phase === "call" && !this.#isAnswered;
    this.#leave();
    this.#reservation.release();
    if (wasCalling) {
      this.#call?.abort(callerDisconnected());
    }
  };

  /** False = it is not whole, or not ours. */
  #readHead(): boolean {
    const unread = this.#unread;
    const { limits, now } = this.#options;
    const last = this.#lastHeadBytes;
    const isAsLast =
      last.length > 0 &&
      unread.length >= last.length &&
      unread.compare(last, 0, last.length, 0, last.length) === 0;
    let head = this.#lastHead;
    if (!isAsLast) {
      if (unread.length === 0) {
        this.timeoutAt = now() + limits.idleConnectionTimeoutMs;
        return false;
      }
      const end = unread.indexOf(HEAD_END);
      const headBytes = end === -1 ? unread.length : end + HEAD_END.length;
      if (end === -1 && headBytes <= limits.headerBytesMax) {
        if (!this.#isHeadBegun) this.timeoutAt = now() + limits.headersTimeoutMs;
        this.#isHeadBegun = true;
        return false;
      }
      head =
        headBytes > limits.headerBytesMax
          ? undefined
          : parsePlainHead(unread.toString("latin1", 0, headBytes), limits);
      this.#lastHead = head;
      this.#lastIncoming = head && this.#incomingCall(head);
      this.#lastHeadBytes = Buffer.from(unread.subarray(0, headBytes));
    }
    if (head === undefined || !this.#hold(head.bodyBytes)) {
      this.#handOver();
      return false;
    }
    this.#unread = unread.subarray(this.#lastHeadBytes.length);
    this.#head = head;
    this.#isHeadBegun = false;
    this.#phase = "body";
    return true;
  }

  #incomingCall({ target, headers, askedMs }: PlainHead): IncomingCall {
    const request = { method: "POST", headers, socket: this.#socket };
    return { door: "http", target, request, isStream: false, askedMs };
  }

  /** Room for the body, from the start: else many halves could keep one another out. What has none is not ours. */
  #hold(bytes: number): boolean {
    return bytes <= this.#options.limits.bodyBytesMax && this.#reservation.reserve(bytes);
  }

  /** False = it is not whole. */
  #readBody(): boolean {
    const wanted = this.#head?.bodyBytes ?? 0;
    const piece = this.#unread.subarray(0, wanted - this.#bodyBytes);
    this.#unread =
      piece.length === this.#unread.length ? NOTHING : this.#unread.subarray(piece.length);
    this.#bodyBytes += piece.length;
    const isWhole = this.#bodyBytes === wanted;
    if (isWhole && this.#body === undefined) {
      this.#begin(piece);
      return true;
    }
    if (this.#body === undefined) {
      const { limits, now } = this.#options;
      this.timeoutAt = now() + limits.requestTimeoutMs;
      // P3: many small pieces, each kept by itself, would take far more memory than their bytes.
      this.#bodyMemory = this.#options.memory.take(wanted);
      this.#body = this.#bodyMemory.subarray(0, wanted);
    }
    this.#body.set(piece, this.#bodyBytes - piece.length);
    if (!isWhole) return false;
    this.#begin(this.#body);
    return true;
  }

  #begin(body: Buffer): void {
    const head = this.#head;
    const incoming = this.#lastIncoming;
    if (head === undefined || incoming === undefined) return;
    this.#phase = "call";
    this.timeoutAt = 0;
    this.#isAnswered = false;
    this.#waitTimes = undefined;
    const { memory } = this.#options;
    const used = this.#bodyMemory;
    this.#body = undefined;
    this.#bodyMemory = undefined;
    this.#bodyBytes = 0;
    try {
      const { caller, target, isStream, timeoutMs } = this.#options.admission.admitCall(incoming);
      const request = {
        caller,
        target,
        isStream,
        timeoutMs,
        kind: head.kind,
        body,
        release: used && (() => memory.give(used)),
      };
      const call = this.#options.router.open(request, this, false);
      // A refusal is over by now.
      if (this.#phase === "call") this.#call = call;
    } catch (error) {
      this.onAbort(asLeverError(error, this.#options.log, "gateway"));
    }
  }

  // The answer of the call.

  onAssigned(waitTimes: WaitTimes): void {
    this.#waitTimes = waitTimes;
  }

  onMessage(kind: PayloadKind, bytes: Uint8Array): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    const cold = this.#waitTimes;
    if (cold === undefined && kind === PAYLOAD_JSON) {
      this.#write(JSON_HEAD, bytes);
      return;
    }
    this.#writeParts(resultParts(kind, bytes, cold));
  }

  onEnd(): void {
    if (!this.#isAnswered) {
      this.#answerProblem(noReply());
    }
    this.#next();
  }

  onFail(kind: PayloadKind, bytes: Uint8Array): void {
    if (!this.#isAnswered) this.#writeParts(methodErrorParts(kind, bytes));
    this.#next();
  }

  onAbort(error: LeverError): void {
    if (!this.#isAnswered) this.#answerProblem(error);
    this.#next();
  }

  onDrain(): void {}

  /** P1. The call is over, and answered. */
  #next(): void {
    this.#reservation.release();
    this.#call = undefined;
    if (this.#phase === "over") return;
    this.#phase = "head";
    if (this.#isClosing) this.#socket.destroySoon();
    else this.#resumeReading();
  }

  #resumeReading(): void {
    if (this.#phase === "over") return;
    if (this.#socket.isPaused()) this.#socket.resume();
    this.#read();
  }

  get #isClosing(): boolean {
    return this.#options.isClosing() || this.#head?.isLast === true;
  }

  #answerProblem(error: LeverError): void {
    this.#writeParts(problemParts(error));
  }

  #writeParts({ status, headers, body }: ResponseParts): void {
    this.#isAnswered = true;
    this.#write(openHead(status, headers), body);
  }

  #write(head: string, body: Uint8Array): void {
    if (this.#socket.destroyed) return;
    const tail = this.#isClosing ? this.#options.closing() : this.#options.keeping();
    writeToSocket(this.#socket, `${head}${body.length}${tail}`, body);
  }

  /** P2. */
  #handOver(): void {
    const socket = this.#socket;
    this.#leave();
    socket.off("error", onError);
    if (this.#unread.length > 0) socket.unshift(this.#unread);
    this.#unread = NOTHING;
    this.#options.handOver(socket);
  }

  #leave(): void {
    if (this.#phase === "over") return;
    this.#phase = "over";
    this.timeoutAt = 0;
    const socket = this.#socket;
    socket.off("data", this.#onData);
    socket.off("end", this.#onCallerEnd);
    socket.off("drain", this.#onDrain);
    socket.off("close", this.#onClose);
    this.#options.onLeft(this);
  }
}

/** "close" follows. */
function onError(): void {}
