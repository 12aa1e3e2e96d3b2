import {
  CANCEL,
  DATA,
  END_STREAM,
  encodeNumber,
  FRAME_BYTES_MAX,
  NO_ERROR,
  RST_STREAM,
  WINDOW_BYTES_MAX,
  WINDOW_UPDATE,
} from "./frame.ts";
import type { Headers } from "./header-decoder.ts";
import type { FrameOutput } from "./output.ts";

/** Bytes of a response that may arrive before they are read, so many for each request. */
export const STREAM_WINDOW_BYTES: number = 128 * 1024;

const NOTHING = Buffer.alloc(0);

/** Receives what happens to one request. */
export interface RequestListener {
  /** Called for the headers of the response, and for its trailers. */
  onHeaders(headers: Headers): void;
  /** `piece` is valid only during the call. */
  onContent(piece: Buffer): void;
  /** More content may be written. */
  onWritable(): void;
  /** Called once: the request is over. The error code of HTTP/2 (0 = none); undefined = its connection broke. */
  onClosed(code: number | undefined): void;
}

/** The functions of a connection that its requests use. */
export interface RequestConnection {
  readonly output: FrameOutput;
  /** Bytes of content that the other side accepts, over all requests. */
  sendWindow: number;
  /** The request has content that waits. */
  wait(request: Http2Request): void;
  /** The request is over. */
  forget(request: Http2Request): void;
}

/** One request and its response, a stream of HTTP/2. */
export class Http2Request {
  /** 0 = it waits until the other side accepts more requests. */
  id = 0;
  readonly #connection: RequestConnection;
  readonly #listener: RequestListener;
  #sendWindow: number;
  #queue: Uint8Array[] = [];
  /** Bytes of the first one that have been sent. */
  #offset = 0;
  #isEndQueued = false;
  #hasSentEnd = false;
  #wantsDrain = false;
  #receiveWindow = STREAM_WINDOW_BYTES;
  #owedBytes = 0;
  #isPaused = false;
  #isOver = false;

  constructor(connection: RequestConnection, listener: RequestListener, sendWindow: number) {
    this.#connection = connection;
    this.#listener = listener;
    this.#sendWindow = sendWindow;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Sends content, which must not change afterwards. False = wait for `onWritable`. */
  write(bytes: Uint8Array): boolean {
    if (this.#isOver || this.#isEndQueued) return true;
    if (bytes.length > 0) this.#queue.push(bytes);
    return this.#send();
  }

  /** Ends the content, after a last piece of it. */
  end(bytes: Uint8Array = NOTHING): void {
    if (this.#isOver || this.#isEndQueued) return;
    if (bytes.length > 0) this.#queue.push(bytes);
    this.#isEndQueued = true;
    this.#send();
  }

  /** Ends the request in the middle. */
  reset(code: number): void {
    if (this.#isOver) return;
    if (this.id > 0) this.#connection.output.frame(RST_STREAM, 0, this.id, encodeNumber(code));
    this.close(code);
  }

  /** Less than a window of content arrives after it, until `resume`. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#grant();
  }

  /** Sends content as far as the other side accepts it. False = some waits, or more would. */
  #send(): boolean {
    const { output } = this.#connection;
    while (this.id > 0 && this.#queue.length > 0 && !output.isSaturated) {
      const [first = NOTHING] = this.#queue;
      const size = Math.min(
        first.length - this.#offset,
        FRAME_BYTES_MAX,
        this.#sendWindow,
        this.#connection.sendWindow,
      );
      if (size <= 0) break;
      const piece =
        size === first.length ? first : first.subarray(this.#offset, this.#offset + size);
      this.#offset += size;
      if (this.#offset === first.length) {
        this.#queue.shift();
        this.#offset = 0;
      }
      this.#sendWindow -= size;
      this.#connection.sendWindow -= size;
      const isEnd = this.#isEndQueued && this.#queue.length === 0;
      output.frame(DATA, isEnd ? END_STREAM : 0, this.id, piece);
      if (isEnd) this.#hasSentEnd = true;
    }
    if (this.#queue.length > 0 || output.isSaturated || this.id === 0) {
      this.#wantsDrain = true;
      this.#connection.wait(this);
      return false;
    }
    if (this.#isEndQueued && !this.#hasSentEnd) {
      this.#hasSentEnd = true;
      output.frame(DATA, END_STREAM, this.id, NOTHING);
    }
    return true;
  }

  // Called by the connection.

  /** Sends what waits, when more can be sent. */
  pump(): void {
    if (this.#isOver || !this.#send() || !this.#wantsDrain) return;
    this.#wantsDrain = false;
    this.#listener.onWritable();
  }

  /** The other side accepts more. @throws Error when that is more than it may. */
  widen(bytes: number): void {
    this.#sendWindow += bytes;
    if (this.#sendWindow > WINDOW_BYTES_MAX) throw new Error("a window is too large");
  }

  receiveHeaders(headers: Headers, isEnd: boolean): void {
    // 100 to 199: the response follows.
    const isInformational = !isEnd && headers[":status"]?.startsWith("1") === true;
    if (!isInformational) this.#listener.onHeaders(headers);
    if (isEnd) this.#receiveEnd();
  }

  /** @throws Error when more arrives than the window allows. */
  receiveData(piece: Buffer, isEnd: boolean): void {
    this.#receiveWindow -= piece.length;
    if (this.#receiveWindow < 0) throw new Error("more content arrived than the window allows");
    if (piece.length > 0) this.#listener.onContent(piece);
    if (isEnd) {
      this.#receiveEnd();
      return;
    }
    this.#owedBytes += piece.length;
    this.#grant();
  }

  /** The request is over. */
  close(code: number | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#queue = [];
    this.#connection.forget(this);
    this.#listener.onClosed(code);
  }

  /** The other side needs no more content than it has: it has answered. */
  #receiveEnd(): void {
    if (this.#isOver) return;
    if (this.#queue.length > 0) {
      this.#connection.output.frame(RST_STREAM, 0, this.id, encodeNumber(CANCEL));
    } else this.end();
    this.close(NO_ERROR);
  }

  /** Grants in steps, so that not every small message costs a frame. */
  #grant(): void {
    if (this.#isPaused || this.#isOver || this.#owedBytes < STREAM_WINDOW_BYTES / 2) return;
    this.#connection.output.frame(WINDOW_UPDATE, 0, this.id, encodeNumber(this.#owedBytes));
    this.#receiveWindow += this.#owedBytes;
    this.#owedBytes = 0;
  }
}
