// One file, although long: every kind of frame is read here.
import type { Socket } from "node:net";
import { CallTable } from "@leveros/protocol";
import { readClientSettings } from "./client-settings.ts";
import { EMPTY_FRAMES, FloodGuard, RESETS } from "./flood-guard.ts";
import {
  ACK,
  CONTINUATION,
  DATA,
  DEFAULT_WINDOW_BYTES,
  END_HEADERS,
  END_STREAM,
  ENHANCE_YOUR_CALM,
  encodeNumber,
  encodeSettings,
  FLOW_CONTROL_ERROR,
  FRAME_SIZE_ERROR,
  type Frame,
  FrameReader,
  GOAWAY,
  HEADERS,
  Http2Error,
  INITIAL_WINDOW_SIZE,
  INTERNAL_ERROR,
  MAX_CONCURRENT_STREAMS,
  MAX_HEADER_LIST_SIZE,
  NO_ERROR,
  PING,
  PREFACE,
  PRIORITY,
  PROTOCOL_ERROR,
  PUSH_PROMISE,
  REFUSED_STREAM,
  RST_STREAM,
  SETTINGS,
  WINDOW_BYTES_MAX,
  WINDOW_UPDATE,
  withoutPadding,
} from "./frame.ts";
import { HeaderDecoder } from "./header-decoder.ts";
import { FrameOutput } from "./output.ts";
import { PartialHeaders } from "./partial-headers.ts";
import { isTrailers, type RequestHead, readRequestHead } from "./request-head.ts";
import { ServerStream, STREAM_WINDOW_BYTES, type StreamConnection } from "./server-stream.ts";

/** Bytes of content that the client may send before they are read, over all streams. */
const CONNECTION_WINDOW_BYTES: number = 16 * STREAM_WINDOW_BYTES;
/** Streams that are open at once. */
const STREAMS_MAX = 1_000;
/** Bytes of frames without content that wait for a client which does not read. Content has windows. */
const UNREAD_BYTES_MAX: number = 1024 * 1024;

const NOTHING: Buffer = Buffer.alloc(0);

/** A header block as it is remembered. */
type Block<Head> =
  | {
      readonly kind: "request";
      /** As the owner of the connection has read it. */
      readonly head: Head;
      readonly contentLength: number | undefined;
    }
  | { readonly kind: "trailers" | "malformed" };

export interface ServerOptions<Head> {
  /** Bytes of the fields of one head. */
  readonly headerBytesMax: number;
  /** Reads a head. The result is used again for an equal one on the same connection. */
  readonly readHead: (head: RequestHead) => Head;
  /** A request has begun. It must be listened to, or paused, at once. */
  readonly onStream: (stream: ServerStream, head: Head) => void;
  /** The last stream is over. */
  readonly onIdle: () => void;
  /** The value of the header field `date` of responses, encoded with its name. */
  readonly date: () => Uint8Array;
  /** Milliseconds. */
  readonly now: () => number;
}

/**
 * A connection of HTTP/2 at the server (RFC 9113), on its socket.
 *
 * - N1. A client that breaks the protocol ends its stream or its connection, and nothing else.
 * - N2. Everything that a client makes this side hold is bounded: streams, header blocks, content by its windows, and frames
 *   that it does not read. So is everything that it makes this side do for nothing (`FloodGuard`).
 * - N3. The frames of one turn of the event loop are written together.
 */
export class ServerConnection<Head> implements StreamConnection {
  readonly output: FrameOutput;
  sendWindow: number = DEFAULT_WINDOW_BYTES;
  queuedBytes = 0;
  readonly #socket: Socket;
  readonly #options: ServerOptions<Head>;
  readonly #reader: FrameReader;
  readonly #decoder: HeaderDecoder<Block<Head>>;
  readonly #resets: FloodGuard;
  readonly #emptyFrames: FloodGuard;
  readonly #streams = new CallTable<ServerStream>();
  /** Streams that wait until the connection can send. */
  #waiting: ServerStream[] = [];
  /** Bytes of the preface that have arrived. */
  #prefaceBytes = 0;
  #hasSettings = false;
  /** The last stream that the client has opened. */
  #lastId = 0;
  #streamWindow = DEFAULT_WINDOW_BYTES;
  #receiveWindow = CONNECTION_WINDOW_BYTES;
  #owedBytes = 0;
  /** Headers whose last part has not arrived. */
  #partialHeaders: PartialHeaders | undefined;
  #state: "open" | "closing" | "closed" = "open";

  constructor(socket: Socket, options: ServerOptions<Head>) {
    this.#socket = socket;
    this.#options = options;
    this.#reader = new FrameReader(this);
    this.#resets = new FloodGuard(RESETS, options.now);
    this.#emptyFrames = new FloodGuard(EMPTY_FRAMES, options.now);
    this.#decoder = new HeaderDecoder({
      listBytesMax: options.headerBytesMax,
      read: (fields, isTooLong) => this.#readHead(fields, isTooLong),
    });
    this.output = new FrameOutput(socket, () => this.#onWritable());
    socket.on("error", ignoreError);
    socket.on("close", () => this.#onClose());
    this.output.frame(
      SETTINGS,
      0,
      0,
      encodeSettings([
        [MAX_CONCURRENT_STREAMS, STREAMS_MAX],
        [INITIAL_WINDOW_SIZE, STREAM_WINDOW_BYTES],
        [MAX_HEADER_LIST_SIZE, options.headerBytesMax],
      ]),
    );
    this.#widen(CONNECTION_WINDOW_BYTES - DEFAULT_WINDOW_BYTES);
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
  }

  get date(): Uint8Array {
    return this.#options.date();
  }

  /** Open streams. */
  get streams(): number {
    return this.#streams.size;
  }

  /** It takes further requests. */
  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** The head, or the preface, of which the client has sent a part: the same object until it is complete. */
  get arrivingHead(): object | undefined {
    return this.#hasSettings ? this.#partialHeaders : this;
  }

  /** Sends something that the client must acknowledge (section 6.5.3). */
  ask(): void {
    this.output.frame(SETTINGS, 0, 0, NOTHING);
  }

  /** Takes no further requests, and ends the connection when the open ones are over. */
  close(): void {
    if (this.#state !== "open") return;
    this.#state = "closing";
    this.#goAway(NO_ERROR);
    this.#endIfDone();
  }

  /** Ends the connection, and with it its streams. */
  destroy(): void {
    this.#socket.destroy();
  }

  #goAway(code: number): void {
    const payload = Buffer.concat([encodeNumber(this.#lastId), encodeNumber(code)]);
    this.output.frame(GOAWAY, 0, 0, payload);
  }

  #endIfDone(): void {
    if (this.#state !== "closing" || this.#streams.size > 0) return;
    this.output.flush();
    // Further bytes are read: closing with unread ones would reset the connection, and the client may lose the end.
    this.#socket.end();
  }

  /** N1. */
  #fail(code: number): void {
    if (this.#state === "closed") return;
    this.#goAway(code);
    this.output.flush();
    this.#end();
    this.#socket.destroySoon();
  }

  #onClose(): void {
    if (this.#state !== "closed") this.#end();
  }

  #end(): void {
    this.#state = "closed";
    this.#reader.stop();
    this.#waiting = [];
    for (const stream of this.#streams.values()) stream.close();
  }

  // Called by streams.

  wait(stream: ServerStream): void {
    this.#waiting.push(stream);
  }

  onSent(): void {
    this.#emptyFrames.earn();
  }

  onRead(bytes: number): void {
    this.#owedBytes += bytes;
    if (this.#owedBytes < CONNECTION_WINDOW_BYTES / 2) return;
    this.#receiveWindow += this.#owedBytes;
    this.#widen(this.#owedBytes);
    this.#owedBytes = 0;
  }

  onClientReset(): void {
    if (!this.#resets.spend()) this.#fail(ENHANCE_YOUR_CALM);
  }

  forget(stream: ServerStream): void {
    this.#streams.delete(stream.id);
    if (stream.isWaiting) this.#waiting = this.#waiting.filter((other) => other !== stream);
    if (this.#streams.size > 0 || this.#state === "closed") return;
    this.#options.onIdle();
    this.#endIfDone();
  }

  #widen(bytes: number): void {
    this.output.frame(WINDOW_UPDATE, 0, 0, encodeNumber(bytes));
  }

  #onWritable(): void {
    while (this.#waiting.length > 0 && this.sendWindow > 0 && !this.output.isSaturated) {
      this.#waiting.shift()?.takeTurn();
    }
  }

  // Reading.

  #read(chunk: Buffer): void {
    try {
      const frames = this.#prefaceBytes < PREFACE.length ? this.#readPreface(chunk) : chunk;
      this.#reader.push(frames);
      // N2.
      if (this.output.waitingBytes > UNREAD_BYTES_MAX) this.#fail(ENHANCE_YOUR_CALM);
    } catch (error) {
      this.#fail(error instanceof Http2Error ? error.code : INTERNAL_ERROR);
    }
  }

  #readPreface(chunk: Buffer): Buffer {
    const bytes = Math.min(chunk.length, PREFACE.length - this.#prefaceBytes);
    const end = this.#prefaceBytes + bytes;
    if (chunk.compare(PREFACE, this.#prefaceBytes, end, 0, bytes) !== 0) {
      throw new Http2Error(PROTOCOL_ERROR, "the preface is another");
    }
    this.#prefaceBytes = end;
    return chunk.subarray(bytes);
  }

  onData(id: number, piece: Buffer, isEnd: boolean): void {
    this.#receive(id, piece, { isEnd, paddingBytes: 0 });
  }

  #receive(
    id: number,
    piece: Buffer,
    { isEnd, paddingBytes }: { readonly isEnd: boolean; readonly paddingBytes: number },
  ): void {
    this.#checkOrder(DATA);
    const bytes = piece.length + paddingBytes;
    this.#receiveWindow -= bytes;
    if (this.#receiveWindow < 0) {
      throw new Http2Error(FLOW_CONTROL_ERROR, "more content arrived than the window allows");
    }
    if (paddingBytes > 0) this.onRead(paddingBytes);
    const stream = this.#streamOf(id);
    if (piece.length > 0 && stream !== undefined) this.#emptyFrames.earn();
    else if (!isEnd || stream === undefined) this.#countEmpty();
    if (stream === undefined) this.onRead(piece.length);
    else stream.receive(piece, isEnd, paddingBytes);
  }

  /** @throws Http2Error when the frame breaks the protocol. */
  onFrame(frame: Frame): void {
    const { type, flags, id, payload } = frame;
    this.#checkOrder(type);
    switch (type) {
      case DATA: {
        const piece = withoutPadding(frame);
        const isEnd = (flags & END_STREAM) !== 0;
        // The memory of a frame may be used again.
        this.#receive(id, piece, { isEnd, paddingBytes: payload.length - piece.length });
        return;
      }
      case HEADERS:
        this.#onHeaders(frame);
        return;
      case CONTINUATION:
        this.#onContinuation(frame);
        return;
      case PRIORITY:
        this.#checkSize(payload, 5);
        if (id === 0) throw new Http2Error(PROTOCOL_ERROR, "a priority has no stream");
        this.#countEmpty();
        return;
      case RST_STREAM:
        this.#checkSize(payload, 4);
        this.#onReset(id);
        return;
      case SETTINGS:
        this.#countEmpty();
        this.#onSettings(frame);
        return;
      case PUSH_PROMISE:
        throw new Http2Error(PROTOCOL_ERROR, "a client pushes");
      case PING:
        this.#checkSize(payload, 8);
        this.#checkConnection(id);
        this.#countEmpty();
        if ((flags & ACK) === 0) this.output.frame(PING, ACK, 0, payload);
        return;
      case GOAWAY:
        this.#checkConnection(id);
        if (payload.length < 8) throw new Http2Error(FRAME_SIZE_ERROR, "a frame is too short");
        // The client accepts no pushed streams, of which there are none. Its own go on.
        this.close();
        return;
      case WINDOW_UPDATE:
        this.#checkSize(payload, 4);
        this.#countEmpty();
        this.#onWindowUpdate(id, payload.readUInt32BE(0) & WINDOW_BYTES_MAX);
        return;
      default:
        // Frames of other types are ignored (section 4.1).
        this.#countEmpty();
    }
  }

  /** @throws Http2Error when another frame had to come. */
  #checkOrder(type: number): void {
    if (!this.#hasSettings && type !== SETTINGS) {
      throw new Http2Error(PROTOCOL_ERROR, "settings do not come first");
    }
    if (this.#partialHeaders !== undefined && type !== CONTINUATION) {
      throw new Http2Error(PROTOCOL_ERROR, "headers are not continued");
    }
  }

  #checkSize(payload: Buffer, bytes: number): void {
    if (payload.length !== bytes)
      throw new Http2Error(FRAME_SIZE_ERROR, "a frame has another size");
  }

  #checkConnection(id: number): void {
    if (id !== 0) throw new Http2Error(PROTOCOL_ERROR, "a frame of the connection has a stream");
  }

  /** N2. */
  #countEmpty(): void {
    if (!this.#emptyFrames.spend())
      throw new Http2Error(ENHANCE_YOUR_CALM, "too many empty frames");
  }

  /** undefined = it is over. @throws Http2Error when it has not begun. */
  #streamOf(id: number): ServerStream | undefined {
    if (id === 0 || id > this.#lastId) {
      // After the end was announced, streams begin that this side ignores.
      if (this.#state === "closing" && id % 2 === 1) return undefined;
      throw new Http2Error(PROTOCOL_ERROR, "a frame has a stream that is not open");
    }
    return this.#streams.get(id);
  }

  #onReset(id: number): void {
    const stream = this.#streamOf(id);
    if (stream === undefined) {
      this.#countEmpty();
      return;
    }
    stream.close();
    this.onClientReset();
  }

  #onWindowUpdate(id: number, bytes: number): void {
    if (id !== 0) {
      const stream = this.#streamOf(id);
      if (bytes === 0) stream?.refuse(PROTOCOL_ERROR);
      else stream?.widen(bytes);
      return;
    }
    if (bytes === 0) throw new Http2Error(PROTOCOL_ERROR, "a window grows by nothing");
    this.sendWindow += bytes;
    if (this.sendWindow > WINDOW_BYTES_MAX) {
      throw new Http2Error(FLOW_CONTROL_ERROR, "a window is too large");
    }
    this.#onWritable();
  }

  #onSettings({ flags, id, payload }: Frame): void {
    this.#checkConnection(id);
    if ((flags & ACK) !== 0) {
      this.#checkSize(payload, 0);
      return;
    }
    const window = readClientSettings(payload);
    this.#hasSettings = true;
    if (window !== undefined) {
      const more = window - this.#streamWindow;
      this.#streamWindow = window;
      // It holds for open streams, too (section 6.9.2).
      for (const stream of this.#streams.values()) stream.widen(more);
    }
    this.output.frame(SETTINGS, ACK, 0, NOTHING);
    this.#onWritable();
  }

  // Heads.

  #onHeaders(frame: Frame): void {
    const { flags, id } = frame;
    if (id % 2 === 0) throw new Http2Error(PROTOCOL_ERROR, "a stream has a number of the server");
    const block = withoutPadding(frame);
    const isEnd = (flags & END_STREAM) !== 0;
    if ((flags & END_HEADERS) !== 0) {
      this.#onBlock(id, block, isEnd);
      return;
    }
    this.#partialHeaders = new PartialHeaders(id, isEnd, this.#options.headerBytesMax);
    this.#partialHeaders.add(block);
  }

  #onContinuation({ flags, id, payload }: Frame): void {
    const partial = this.#partialHeaders;
    if (partial?.id !== id) throw new Http2Error(PROTOCOL_ERROR, "a frame continues no headers");
    partial.add(payload);
    if ((flags & END_HEADERS) === 0) return;
    this.#partialHeaders = undefined;
    this.#onBlock(id, partial.block, partial.isEnd);
  }

  #onBlock(id: number, block: Buffer, isEnd: boolean): void {
    // Also those of a stream that is not served: later ones may refer to them.
    const decoded = this.#decoder.decode(block);
    if (id <= this.#lastId) {
      this.#onTrailers(id, isEnd && decoded.kind === "trailers");
      return;
    }
    // The client repeats these requests elsewhere (section 6.8).
    if (this.#state !== "open") {
      this.#countEmpty();
      return;
    }
    this.#lastId = id;
    if (this.#streams.size >= STREAMS_MAX) {
      this.#refuse(id, REFUSED_STREAM);
    } else if (decoded.kind === "request" && !(isEnd && (decoded.contentLength ?? 0) > 0)) {
      this.#emptyFrames.earn();
      this.#open(id, decoded, isEnd);
    } else {
      this.#refuse(id, PROTOCOL_ERROR);
    }
  }

  #refuse(id: number, code: number): void {
    this.output.frame(RST_STREAM, 0, id, encodeNumber(code));
    this.onClientReset();
  }

  #open(
    id: number,
    { head, contentLength }: { readonly head: Head; readonly contentLength: number | undefined },
    isEnd: boolean,
  ): void {
    const stream = new ServerStream(this, id, { sendWindow: this.#streamWindow, contentLength });
    this.#streams.set(id, stream);
    this.#options.onStream(stream, head);
    if (isEnd) stream.receiveEnd();
  }

  #onTrailers(id: number, isWellFormed: boolean): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) this.#countEmpty();
    else if (isWellFormed) stream.receiveEnd();
    else stream.refuse(PROTOCOL_ERROR);
  }

  #readHead(fields: readonly string[], isTooLong: boolean): Block<Head> {
    const head = readRequestHead(fields, isTooLong);
    if (head === undefined) return { kind: isTrailers(fields) ? "trailers" : "malformed" };
    const { contentLength } = head;
    return { kind: "request", head: this.#options.readHead(head), contentLength };
  }
}

/** "close" follows. */
function ignoreError(): void {}
