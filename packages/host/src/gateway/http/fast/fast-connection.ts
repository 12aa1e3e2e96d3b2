// One file, although long: every change of a connection's state is here.
import type { Socket } from "node:net";
import type { LeverError } from "@leveros/protocol";
import { asLeverError } from "../../../logs/as-lever-error.ts";
import type { AdmittedCall } from "../../admission/admit-call.ts";
import { tryAdmitHead } from "../../admit-head.ts";
import { BodyReservation, tooManyBodies } from "../../body-budget.ts";
import type { HeldConnection } from "../../connections.ts";
import { keepAlive } from "../../keep-alive.ts";
import { endConnection, LINGER_MS } from "../discard-body.ts";
import { rejectConnection } from "../write-response.ts";
import { ChunkedBody, incomingBody } from "./chunked-body.ts";
import {
  BodyState,
  CLOSED,
  type ConnectionState,
  callerTimeoutMs,
  type HeadState,
  IDLE,
  IN_HEAD,
  NEW,
  rejectionHeaders,
  timeoutError,
} from "./connection-state.ts";
import type { FastOptions } from "./fast-options.ts";
import { type FastRequest, HeadReader, withoutEmptyLines } from "./head-reader.ts";
import { OtherExchange, readOtherRequest } from "./other-request.ts";
import { ReadMemory } from "./read-memory.ts";
import { FastReply } from "./reply.ts";
import { type AfterUpload, readUploadHead, UploadExchange } from "./upload-exchange.ts";

/** Bytes that are read ahead while a call is in progress. With more, reading stops. */
const PIPELINED_BYTES_MAX = 64 * 1024;
const NOTHING: Buffer = Buffer.alloc(0);

/**
 * An HTTP/1.1 connection of plain requests. It reads one request after the other, calls the method, and writes the response.
 *
 * - P1. Responses are written in the order of their requests, each once.
 * - P2. Other requests that have arrived whole, and those of streaming methods, are carried by `serveHttp`, one at a time. The
 *   first request that neither can read goes to Node's server with everything after it, once the requests before it are answered.
 * - P3. Bytes that are read and not answered are bounded: one body within its limit, and 64 KiB. A stream is passed on.
 */
export class FastConnection implements HeldConnection {
  readonly #socket: Socket;
  readonly #options: FastOptions;
  readonly #heads: HeadReader;
  readonly #reply: FastReply;
  readonly #reservation: BodyReservation;
  #state: ConnectionState = NEW;
  /** Read from the socket, and not parsed. */
  #unread: Buffer = NOTHING;
  #isReading = false;
  #idleSince: number;
  /** The connection times out at this time of the clock; 0 = it does not wait for the caller. */
  #timeoutAt: number;
  /** Nothing has been answered on it. */
  #isNew = true;
  /** Defined once a stream has been read. */
  #memory: ReadMemory | undefined;

  constructor(socket: Socket, options: FastOptions) {
    this.#socket = socket;
    this.#heads = new HeadReader(options.limits, socket, options.heads);
    this.#options = options;
    this.#idleSince = options.clock.now();
    this.#timeoutAt = Math.ceil(this.#idleSince) + callerTimeoutMs(NEW, options.limits);
    this.#reply = new FastReply(socket, options.shared, this);
    this.#reservation = new BodyReservation(options.budget);
    socket.on("data", this.#onData);
    socket.on("end", this.#onCallerEnd);
    socket.on("drain", this.#onDrain);
    socket.on("close", this.#onClose);
    socket.on("error", ignoreError);
  }

  /** Nothing has arrived since the last response. */
  get isIdle(): boolean {
    return this.#state.phase === "head" && this.#unread.length === 0;
  }

  get idleSince(): number | undefined {
    return this.isIdle ? this.#idleSince : undefined;
  }

  /** Called about once a second: closes the connection if the caller took too long. */
  onTick(now: number): void {
    if (this.#timeoutAt === 0 || this.#timeoutAt > now) {
      keepAlive(this.#socket, this.#options.limits);
      return;
    }
    const error = timeoutError(this.#state, this.#options.limits);
    if (error === undefined) this.#socket.destroy();
    else this.#reject(error);
  }

  /** Closes the connection once the responses so far are sent. */
  close(): void {
    this.#detach();
    this.#socket.destroySoon();
  }

  /** To close a socket ends it, too: to end it first takes a system call more. TLS has an end of its own. */
  #closeAnswered(): void {
    this.#detach();
    const socket = this.#socket;
    if (socket.writableLength === 0 && !("encrypted" in socket)) socket.destroy();
    else socket.destroySoon();
  }

  // The socket's events.

  readonly #onData = (chunk: Buffer): void => {
    this.#unread = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk]);
    this.#read();
    if (this.#hasReadAhead) this.#socket.pause();
  };

  /** Returns true when the memory of these bytes must not be overwritten. */
  readonly #onUpload = (bytes: Buffer): boolean => {
    const state = this.#state;
    this.#onData(bytes);
    return state.phase === "upload" && state.isKept;
  };

  readonly #onDrain = (): void => {
    const state = this.#state;
    if (state.phase === "upload" || state.phase === "other") state.onDrain();
    else this.#resumeReading();
  };

  /** A caller that has half-closed cannot be told from one that has disconnected. Node's server does the same. */
  readonly #onCallerEnd = (): void => {
    this.#socket.destroySoon();
  };

  readonly #onClose = (): void => {
    const state = this.#state;
    this.#detach();
    if (state.phase === "call") state.cancel();
    else if (state.phase === "upload") state.onClose();
  };

  // Reading.

  #read(): void {
    // A refused call ends before `router.call` returns: then the loop below goes on, and this must not begin another.
    if (this.#isReading) return;
    this.#isReading = true;
    let canRead = true;
    while (canRead && !this.#isBlocked) canRead = this.#readNext(this.#state);
    this.#isReading = false;
  }

  /** P1; and responses that the caller does not read must not fill memory. */
  get #isBlocked(): boolean {
    const state = this.#state;
    // Both directions of a stream flow at once.
    if (state.phase === "upload") return !state.isReading;
    const { phase } = state;
    return phase === "call" || phase === "other" || this.#socket.writableNeedDrain;
  }

  /** P3. */
  get #hasReadAhead(): boolean {
    return this.#unread.length > PIPELINED_BYTES_MAX && this.#isBlocked;
  }

  /** False = more bytes have to arrive first, or nothing is left to read. */
  #readNext(state: ConnectionState): boolean {
    switch (state.phase) {
      case "head":
        return this.#readHead(state);
      case "body":
        return this.#readBody(state);
      case "upload":
        return this.#readUpload(state);
      case "call":
      case "other":
      case "closed":
        return false;
    }
  }

  #readHead(state: HeadState): boolean {
    const unread = withoutEmptyLines(this.#unread);
    this.#unread = unread;
    if (unread.length === 0) {
      // Empty lines do not keep a connection open.
      if (this.#timeoutAt === 0) this.#awaitCaller(IDLE);
      return false;
    }
    const request = this.#heads.read(unread);
    if (request === "incomplete") {
      if (!state.isBegun) this.#awaitCaller(IN_HEAD);
      return false;
    }
    if (request === "notPlain") return this.#readOther(unread);
    const { headBytes, head } = request;
    if (this.#options.router.sites.takesPost(head.target)) return this.#readOther(unread);
    const { bodyBytes = 0 } = head;
    const { limits, buffers } = this.#options;
    const end = headBytes + bodyBytes;
    if (bodyBytes > limits.bodyBytesMax) return this.#handOver();
    if (unread.length >= end && head.bodyBytes !== undefined) {
      if (!this.#reservation.hold(bodyBytes)) return this.#handOver();
      this.#unread = unread.length === end ? NOTHING : unread.subarray(end);
      this.#call(request, undefined, unread.subarray(headBytes, end), undefined);
      return true;
    }
    const admitted = tryAdmitHead(this.#options, request.incoming);
    // Node's server answers with the reason.
    if (admitted === undefined) return this.#handOver();
    this.#unread = unread.subarray(headBytes);
    const body = incomingBody(head, limits, buffers);
    this.#awaitCaller(new BodyState(request, admitted, body));
    return true;
  }

  #readOther(unread: Buffer): boolean {
    const request = readOtherRequest(unread, this.#options.limits);
    if (request === undefined) return this.#beginUpload(unread);
    this.#unread = unread.subarray(request.bytes);
    const exchange = new OtherExchange(this.#socket, this.#options);
    this.#begin(exchange, request.head.isLast);
    exchange.serve(request, (isLast) => this.#onAnswered(isLast));
    return true;
  }

  #beginUpload(unread: Buffer): boolean {
    const upload = readUploadHead(unread, this.#options.limits);
    if (upload === undefined) return this.#handOver();
    const { head, bytes } = upload;
    this.#unread = unread.subarray(bytes);
    this.#memory ??= ReadMemory.of(this.#socket);
    if (this.#memory !== undefined) this.#memory.onRead = this.#onUpload;
    const exchange = new UploadExchange(this.#socket, head, this.#options, this.#onUploadEnd);
    this.#begin(exchange, head.isLast);
    exchange.serve();
    return true;
  }

  #readUpload(state: UploadExchange): boolean {
    const unread = this.#unread;
    // The memory may be overwritten, so nothing of it stays here.
    this.#unread = NOTHING;
    if (unread.length === 0) return false;
    const taken = state.read(unread);
    if (state.isReading || this.#state.phase === "closed") return false;
    if (this.#memory !== undefined) this.#memory.onRead = undefined;
    if (taken < unread.length) this.#unread = Buffer.from(unread.subarray(taken));
    return true;
  }

  readonly #onUploadEnd = (after: AfterUpload): void => {
    if (after !== "broken") {
      this.#onAnswered(after === "last");
      return;
    }
    this.#detach();
    endConnection(this.#socket);
  };

  #readBody(state: BodyState): boolean {
    const unread = this.#unread;
    const { request, admitted, body } = state;
    const taken = body.receive(unread);
    this.#unread = taken === unread.length ? NOTHING : unread.subarray(taken);
    const { arriving } = body;
    if (!this.#reservation.hold(arriving.bytes)) {
      this.#reject(tooManyBodies());
      return false;
    }
    if (body instanceof ChunkedBody && body.isIrregular) {
      this.#unread = Buffer.concat([this.#heads.lastHead, ...body.restore(), this.#unread]);
      return this.#handOver();
    }
    if (!body.isComplete) return false;
    this.#call(request, admitted, arriving.body, arriving.memory);
    return true;
  }

  #awaitCaller(state: HeadState | BodyState): void {
    const { shared, limits, clock } = this.#options;
    this.#state = state;
    this.#timeoutAt = shared.now + callerTimeoutMs(state, limits);
    if (state === IDLE) this.#idleSince = clock.now();
  }

  // Calling.

  /** `early` = the call was admitted before its body had arrived. */
  #call(
    { head, incoming, coding }: FastRequest,
    early: AdmittedCall | undefined,
    body: Buffer,
    memory: Buffer | undefined,
  ): void {
    const reply = this.#reply;
    const { admission, router, buffers, log } = this.#options;
    this.#begin(reply, head.isLast);
    reply.begin(head, coding, admission.readableOrigin(head.target.environment, head));
    try {
      const { caller, target, isStream, timeoutMs } = early ?? admission.admitCall(incoming);
      const request = {
        caller,
        target,
        isStream,
        timeoutMs,
        kind: head.kind,
        body,
        number: reply.number,
        isSampled: reply.isSampled,
        trace: reply.trace,
        release: memory && buffers.releaserOf(memory),
      };
      const call = router.open(request, reply, false);
      // A refused call is over already.
      if (this.#state === reply) reply.call = call;
    } catch (error) {
      reply.onAbort(asLeverError(error, log, "gateway"));
    }
  }

  #begin(state: FastReply | OtherExchange | UploadExchange, isLast: boolean): void {
    this.#timeoutAt = 0;
    this.#state = state;
    // The system sends a single response at once without it.
    if (this.#isNew && !isLast) this.#socket.setNoDelay(true);
    this.#isNew = false;
  }

  /** Called by the reply. */
  onCallEnd(): void {
    this.#reservation.release();
    this.#onAnswered(this.#reply.isLast);
  }

  /** P1. */
  #onAnswered(isLast: boolean): void {
    if (this.#state.phase === "closed") return;
    this.#state = IDLE;
    // Requests after the last one must not be processed (RFC 9112, 9.6).
    if (isLast) this.#closeAnswered();
    else this.#resumeReading();
  }

  #resumeReading(): void {
    if (this.#state.phase === "closed") return;
    this.#read();
    if (this.#socket.isPaused() && !this.#hasReadAhead) this.#socket.resume();
  }

  // Leaving the connection.

  /** Answers with an error, and closes the connection. */
  #reject(error: LeverError): void {
    const headers = rejectionHeaders(this.#state, this.#options.admission);
    this.#detach();
    rejectConnection(this.#socket, error, LINGER_MS, headers);
  }

  /** P2. Returns false: this has nothing left to read. */
  #handOver(): boolean {
    const socket = this.#socket;
    const unread = this.#unread;
    this.#detach();
    socket.off("error", ignoreError);
    if (unread.length > 0) socket.unshift(unread);
    this.#options.handOver(socket, this.#isNew ? unread : undefined);
    return false;
  }

  #detach(): void {
    this.#reservation.release();
    if (this.#state.phase === "closed") return;
    this.#state = CLOSED;
    this.#unread = NOTHING;
    this.#timeoutAt = 0;
    if (this.#memory !== undefined) this.#memory.onRead = undefined;
    const socket = this.#socket;
    socket.off("data", this.#onData);
    socket.off("end", this.#onCallerEnd);
    socket.off("drain", this.#onDrain);
    socket.off("close", this.#onClose);
    this.#options.open.delete(this);
  }
}

/** "close" follows. */
function ignoreError(): void {}
