// One file, although long: a stream has one state, of which both of its directions are parts.
import {
  encodeNumber,
  FLOW_CONTROL_ERROR,
  FRAME_BYTES_MAX,
  INTERNAL_ERROR,
  PROTOCOL_ERROR,
  RST_STREAM,
  STREAM_CLOSED,
  WINDOW_BYTES_MAX,
  WINDOW_UPDATE,
} from "./frame.ts";
import type { FrameOutput } from "./output.ts";
import { PendingContent } from "./pending-content.ts";

/** Bytes of one stream that the client may send before they are read. */
export const STREAM_WINDOW_BYTES: number = 256 * 1024;

/** A response that is complete before a short request waits so long for the rest of it. */
const REQUEST_WAIT_MS = 1_000;

const NOTHING: Buffer = Buffer.alloc(0);
const NO_DRAINS: readonly (() => void)[] = [];

/** Receives what happens to one stream. */
export interface StreamListener {
  /** The piece may be kept. */
  onContent(piece: Buffer): void;
  /** The request is complete. */
  onEnd(): void;
  /** Everything is sent that `write` has kept. */
  onDrain(): void;
  /**
   * Called once: both directions are complete, or the stream or its connection broke off. `isRequestRead`: after `onEnd`.
   */
  onClose(isRequestRead: boolean): void;
}

/** Drops the request. */
const IGNORED: StreamListener = { onContent() {}, onEnd() {}, onDrain() {}, onClose() {} };

/** The functions of a connection that its streams use. */
export interface StreamConnection {
  readonly output: FrameOutput;
  /** The field `date` of responses, encoded. */
  readonly date: Uint8Array;
  /** Bytes of content that the client accepts, over all streams. */
  sendWindow: number;
  /** Bytes of content that wait, over all streams. */
  queuedBytes: number;
  /** Content has gone out. */
  onSent(): void;
  /** The stream waits for the connection. */
  wait(stream: ServerStream): void;
  /** So many bytes of a request were read. */
  onRead(bytes: number): void;
  /** The client is responsible for a reset. */
  onClientReset(): void;
  /** The stream is over. */
  forget(stream: ServerStream): void;
}

/** How the response ends once its content is sent: it does not yet, with it, with trailers, or with an error code. */
type Ending = "open" | "end" | Uint8Array | number;

/** A request and its response: a stream of HTTP/2, at the server. */
export class ServerStream {
  readonly id: number;
  readonly #connection: StreamConnection;
  #listener: StreamListener = IGNORED;
  /** Called at each drain, beside the listener. */
  #drains = NO_DRAINS;
  #isOver = false;

  // The request.
  #receiveWindow = STREAM_WINDOW_BYTES;
  /** Bytes that were read, and that the client may not send again yet. */
  #owedBytes = 0;
  /** Bytes of content that the head declares and that have not arrived; negative = not declared. */
  #missingBytes: number;
  #isPaused = false;
  #pending: PendingContent | undefined;
  #hasArrived = false;
  /** The listener has got all of the request. */
  #isRequestRead = false;

  // The response.
  #sendWindow: number;
  #queue: Uint8Array[] = [];
  /** Bytes of the first one that have been sent. */
  #offset = 0;
  #queuedBytes = 0;
  #ending: Ending = "open";
  #hasHead = false;
  #isResponseSent = false;
  /** Waits for the rest of the request before the end of the response; false = it has waited long enough. */
  #requestTimer: NodeJS.Timeout | false | undefined;
  #wantsDrain = false;
  /** The connection lets it send when it can. */
  isWaiting = false;

  /** `contentLength`: undefined = it is not declared. */
  constructor(
    connection: StreamConnection,
    id: number,
    options: { readonly sendWindow: number; readonly contentLength: number | undefined },
  ) {
    this.#connection = connection;
    this.id = id;
    this.#sendWindow = options.sendWindow;
    this.#missingBytes = options.contentLength ?? -1;
  }

  /** Takes what happens from now on. A paused stream keeps what arrives until it is resumed. */
  listen(listener: StreamListener): void {
    this.#listener = listener;
  }

  /** It is closed: nothing is written any more. */
  get destroyed(): boolean {
    return this.#isOver;
  }

  get headersSent(): boolean {
    return this.#hasHead;
  }

  /** The listener has got all of the request, or never will. */
  get isRequestRead(): boolean {
    return this.#isRequestRead || this.#isOver;
  }

  /** Bytes of the response that are not sent. */
  get writableLength(): number {
    return this.#queuedBytes;
  }

  /** Bytes of content that wait on the connection, over all of its streams. */
  get connectionQueuedBytes(): number {
    return this.#connection.queuedBytes;
  }

  on(_event: "drain", listener: () => void): void {
    this.#drains = [...this.#drains, listener];
  }

  off(_event: "drain", listener: () => void): void {
    this.#drains = this.#drains.filter((other) => other !== listener);
  }

  // The response.

  /** Sends an interim response. */
  inform(block: Uint8Array): void {
    if (this.#isOver || this.#hasHead) return;
    this.#connection.output.headers(this.id, false, block, NOTHING);
  }

  /** Sends the head of the response, an encoded block, and with `isEnd` nothing after it. */
  respond(block: Uint8Array, isEnd = false): void {
    if (this.#isOver || this.#hasHead) return;
    this.#hasHead = true;
    const { output, date } = this.#connection;
    if (isEnd && this.#mustWait()) {
      this.#ending = Buffer.concat([block, date]);
      return;
    }
    output.headers(this.id, isEnd, block, date);
    if (isEnd) this.#onResponseSent();
  }

  /** Sends content, which must not change afterwards. False = wait for `onDrain`. */
  write(bytes: Uint8Array, prefix: Uint8Array = NOTHING): boolean {
    if (this.#isOver || this.#ending !== "open") return true;
    this.#enqueue(prefix, bytes, false);
    if (this.#queuedBytes === 0 && !this.#connection.output.isSaturated) return true;
    this.#wantsDrain = true;
    if (this.#queuedBytes === 0) this.#wait();
    return false;
  }

  /** Ends the response, after the last piece of its content. */
  end(bytes: Uint8Array = NOTHING): void {
    if (this.#isOver || this.#ending !== "open") return;
    this.#ending = "end";
    this.#enqueue(NOTHING, bytes, true);
  }

  /** Ends the response with trailers, an encoded block. */
  endWithTrailers(block: Uint8Array): void {
    if (this.#isOver || this.#ending !== "open") return;
    this.#ending = block;
    this.#finish();
  }

  /** Ends the stream with an error, after the content so far. */
  breakOff(code: number): void {
    if (this.#isOver || this.#ending !== "open") return;
    this.#ending = code;
    this.#finish();
  }

  /** Ends the stream at once. */
  reset(code: number): void {
    if (this.#isOver) return;
    this.#connection.output.frame(RST_STREAM, 0, this.id, encodeNumber(code));
    this.close();
  }

  destroy(): void {
    this.reset(INTERNAL_ERROR);
  }

  #enqueue(prefix: Uint8Array, bytes: Uint8Array, isLast: boolean): void {
    const isEnd = isLast && !this.#mustWait();
    const connection = this.#connection;
    const { output } = connection;
    const length = prefix.length + bytes.length;
    const isSendable =
      this.#queue.length === 0 &&
      length <= FRAME_BYTES_MAX &&
      length <= this.#sendWindow &&
      length <= connection.sendWindow &&
      !output.isSaturated;
    if (isSendable) {
      if (length === 0 && !isEnd) return;
      this.#sendWindow -= length;
      connection.sendWindow -= length;
      output.content(this.id, isEnd, prefix, bytes);
      connection.onSent();
      if (isEnd) this.#onResponseSent();
      return;
    }
    if (prefix.length > 0) this.#queue.push(prefix);
    if (bytes.length > 0) this.#queue.push(bytes);
    this.#queuedBytes += length;
    connection.queuedBytes += length;
    this.#sendQueue();
  }

  /** Sends a frame of what waits after the other. */
  #sendQueue(): void {
    while (this.#sendPiece());
    this.#finish();
  }

  /** Sends one frame. False = nothing waits, or it has to wait longer. */
  #sendPiece(): boolean {
    const connection = this.#connection;
    const first = this.#queue[0];
    if (first === undefined) return false;
    if (connection.output.isSaturated || connection.sendWindow === 0) {
      this.#wait();
      return false;
    }
    const size = Math.min(
      first.length - this.#offset,
      FRAME_BYTES_MAX,
      this.#sendWindow,
      connection.sendWindow,
    );
    if (size <= 0) return false;
    const from = this.#offset;
    this.#offset += size;
    if (this.#offset === first.length) {
      this.#queue.shift();
      this.#offset = 0;
    }
    this.#sendWindow -= size;
    connection.sendWindow -= size;
    this.#queuedBytes -= size;
    connection.queuedBytes -= size;
    const isEnd = this.#ending === "end" && this.#queue.length === 0 && !this.#mustWait();
    const piece = size === first.length ? first : first.subarray(from, from + size);
    connection.output.content(this.id, isEnd, NOTHING, piece);
    connection.onSent();
    if (isEnd) this.#onResponseSent();
    return true;
  }

  #wait(): void {
    if (this.isWaiting) return;
    this.isWaiting = true;
    this.#connection.wait(this);
  }

  /** Sends the end if nothing waits before it. */
  #finish(): void {
    const ending = this.#ending;
    if (this.#isOver || this.#isResponseSent || ending === "open" || this.#queuedBytes > 0) return;
    if (typeof ending === "number") {
      this.reset(ending);
      return;
    }
    if (this.#mustWait()) return;
    const { output } = this.#connection;
    if (ending === "end") output.content(this.id, true, NOTHING, NOTHING);
    else output.headers(this.id, true, ending, NOTHING);
    this.#onResponseSent();
  }

  /**
   * True while a short request is incomplete. The end of its response then waits, because curl 7.88 never finishes when that
   * end arrives before it has sent its request. The client may send such a request without waiting for window updates.
   */
  #mustWait(): boolean {
    const missing = this.#missingBytes;
    if (this.#hasArrived || missing <= 0 || missing > STREAM_WINDOW_BYTES) return false;
    this.#requestTimer ??= setTimeout(() => {
      this.#requestTimer = false;
      this.#finish();
    }, REQUEST_WAIT_MS).unref();
    return this.#requestTimer !== false;
  }

  #onResponseSent(): void {
    this.#isResponseSent = true;
    this.#ending = "end";
    if (this.#hasArrived) this.close();
  }

  // The request.

  /** Nothing is passed to the listener until `resume`. At most a window arrives. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    const pending = this.#pending;
    while (pending !== undefined && !this.#isPaused && !this.#isOver) {
      const piece = pending.take();
      if (piece === undefined) break;
      this.#pass(piece);
    }
    this.#passEnd();
  }

  #pass(piece: Buffer): void {
    // The client may send as much again.
    this.#owedBytes += piece.length;
    this.#connection.onRead(piece.length);
    if (this.#owedBytes >= STREAM_WINDOW_BYTES / 2 && !this.#hasArrived) {
      const { output } = this.#connection;
      output.frame(WINDOW_UPDATE, 0, this.id, encodeNumber(this.#owedBytes));
      this.#receiveWindow += this.#owedBytes;
      this.#owedBytes = 0;
    }
    this.#listener.onContent(piece);
  }

  #passEnd(): void {
    if (!this.#hasArrived || this.#isPaused || this.#isRequestRead || this.#isOver) return;
    if (this.#pending?.isEmpty === false) return;
    this.#isRequestRead = true;
    this.#listener.onEnd();
  }

  // Called by the connection.

  /** Content has arrived, in a frame with so many bytes of padding. */
  receive(piece: Buffer, isEnd: boolean, paddingBytes: number): void {
    if (this.#hasArrived) {
      this.#refuse(STREAM_CLOSED, piece);
      return;
    }
    const { length } = piece;
    this.#receiveWindow -= length + paddingBytes;
    this.#owedBytes += paddingBytes;
    if (this.#receiveWindow < 0) {
      this.#refuse(FLOW_CONTROL_ERROR, piece);
      return;
    }
    if (this.#missingBytes >= 0) {
      const missing = this.#missingBytes - length;
      if (missing < 0 || (isEnd && missing > 0)) {
        // Section 8.1.1.
        this.#refuse(PROTOCOL_ERROR, piece);
        return;
      }
      this.#missingBytes = missing;
    }
    if (isEnd) this.#hasArrived = true;
    if (length > 0) {
      if (this.#isPaused) {
        this.#pending ??= new PendingContent();
        this.#pending.add(piece);
      } else this.#pass(piece);
    }
    if (isEnd) this.#receiveEnd();
  }

  /** The head or the trailers end the request. */
  receiveEnd(): void {
    if (this.#hasArrived || this.#missingBytes > 0) {
      this.refuse(this.#hasArrived ? STREAM_CLOSED : PROTOCOL_ERROR);
      return;
    }
    this.#hasArrived = true;
    this.#receiveEnd();
  }

  #receiveEnd(): void {
    this.#passEnd();
    if (this.#isResponseSent) this.close();
    // The end of the response may have waited for that of the request.
    else this.#finish();
  }

  /** The client has broken the protocol. */
  refuse(code: number): void {
    if (this.#isOver) return;
    this.#connection.onClientReset();
    this.reset(code);
  }

  #refuse(code: number, piece: Buffer): void {
    this.#connection.onRead(piece.length);
    this.refuse(code);
  }

  /** The client accepts more content, or less. */
  widen(bytes: number): void {
    this.#sendWindow += bytes;
    if (this.#sendWindow > WINDOW_BYTES_MAX) this.refuse(FLOW_CONTROL_ERROR);
    else if (bytes > 0 && !this.isWaiting) this.#pump();
  }

  /** The connection can send: one frame at a time, so that all of its streams have a turn. */
  takeTurn(): void {
    this.isWaiting = false;
    if (this.#isOver) return;
    if (this.#sendPiece() && this.#queue.length > 0 && this.#sendWindow > 0) this.#wait();
    else this.#afterSending();
  }

  #pump(): void {
    if (this.#isOver) return;
    while (this.#sendPiece());
    this.#afterSending();
  }

  #afterSending(): void {
    this.#finish();
    if (!this.#wantsDrain || this.#queuedBytes > 0 || this.#isOver) return;
    if (this.#connection.output.isSaturated) {
      this.#wait();
      return;
    }
    this.#wantsDrain = false;
    this.#listener.onDrain();
    for (const listener of this.#drains) listener();
  }

  /** The stream is over. */
  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#requestTimer) clearTimeout(this.#requestTimer);
    const connection = this.#connection;
    connection.queuedBytes -= this.#queuedBytes;
    this.#queuedBytes = 0;
    this.#queue = [];
    const pending = this.#pending;
    if (pending !== undefined) {
      // The window of the connection counts unread content, too.
      for (let piece = pending.take(); piece !== undefined; piece = pending.take()) {
        connection.onRead(piece.length);
      }
    }
    connection.forget(this);
    this.#listener.onClose(this.#isRequestRead);
  }
}
