import { connect, type Socket } from "node:net";
import {
  Http2Request,
  type RequestConnection,
  type RequestListener,
  STREAM_WINDOW_BYTES,
} from "./client-request.ts";
import {
  ACK,
  CONTINUATION,
  DATA,
  DEFAULT_WINDOW_BYTES,
  ENABLE_PUSH,
  END_HEADERS,
  END_STREAM,
  encodeNumber,
  encodeSettings,
  type Frame,
  FrameReader,
  GOAWAY,
  HEADERS,
  INITIAL_WINDOW_SIZE,
  MAX_CONCURRENT_STREAMS,
  NO_ERROR,
  PING,
  PREFACE,
  PUSH_PROMISE,
  REFUSED_STREAM,
  RST_STREAM,
  SETTINGS,
  WINDOW_BYTES_MAX,
  WINDOW_UPDATE,
  withoutPadding,
} from "./frame.ts";
import { HeaderDecoder, type Headers, lastValues } from "./header-decoder.ts";
import { FrameOutput } from "./output.ts";

const READ_BYTES = 64 * 1024;
/** Bytes of content that may arrive over all requests. More is granted as they arrive: each request has a window. */
const CONNECTION_WINDOW_BYTES = 4 * 1024 * 1024;
/** Bytes of the headers of one response. */
const HEADER_BYTES_MAX = 64 * 1024;
/** Bytes that wait for a program that does not read, apart from content, which has windows. */
const UNREAD_BYTES_MAX = 4 * 1024 * 1024;

/**
 * A connection to the program of an instance, by HTTP/2 without TLS (RFC 9113). It has what gRPC needs and no more: no
 * pushed responses, no priorities. For each call `node:http2` would take three times the time and twice the memory, and
 * this process must stay small beside the program.
 */
export class Http2Connection implements RequestConnection {
  readonly output: FrameOutput;
  sendWindow: number = DEFAULT_WINDOW_BYTES;
  readonly #socket: Socket;
  readonly #decoder = new HeaderDecoder<Headers>({
    listBytesMax: HEADER_BYTES_MAX,
    read: lastValues,
  });
  readonly #requests = new Map<number, Http2Request>();
  /** Requests that have not been sent, with their header blocks. */
  readonly #unsent = new Map<Http2Request, Buffer>();
  /** Requests with content that waits. */
  #blocked = new Set<Http2Request>();
  #nextId = 1;
  #requestsMax = Number.POSITIVE_INFINITY;
  #requestWindow = DEFAULT_WINDOW_BYTES;
  #owedBytes = 0;
  /** Headers whose last part has not arrived. */
  #partialHeaders: { readonly id: number; readonly flags: number; block: Buffer } | undefined;
  #isRetired = false;
  #isClosed = false;

  constructor(port: number) {
    const reader = new FrameReader({
      onFrame: (frame) => this.#onFrame(frame),
      onData: (id, piece, isEnd) => this.#onData(id, piece, { isEnd, bytes: piece.length }),
    });
    const memory = Buffer.allocUnsafeSlow(READ_BYTES);
    this.#socket = connect({
      port,
      host: "127.0.0.1",
      noDelay: true,
      // One buffer for every read.
      onread: {
        buffer: memory,
        callback: (bytes) => {
          try {
            reader.push(memory.subarray(0, bytes));
          } catch {
            // The program breaks the protocol: the connection is of no use.
            this.destroy();
          }
          return true;
        },
      },
    });
    this.#socket.on("error", () => {});
    this.#socket.on("close", () => this.#onClose());
    this.output = new FrameOutput(this.#socket, () => this.#pumpBlocked());
    this.output.raw(PREFACE);
    const settings = encodeSettings([
      [ENABLE_PUSH, 0],
      [INITIAL_WINDOW_SIZE, STREAM_WINDOW_BYTES],
    ]);
    this.output.frame(SETTINGS, 0, 0, settings);
    this.#widenConnection(CONNECTION_WINDOW_BYTES - DEFAULT_WINDOW_BYTES);
  }

  /** It takes further requests. */
  get isOpen(): boolean {
    return !this.#isRetired && !this.#isClosed;
  }

  /** Sends a request. `block`: its encoded headers, copied. It may be sent later, and its end as well. */
  request(block: Buffer, listener: RequestListener): Http2Request {
    const request = new Http2Request(this, listener, this.#requestWindow);
    if (this.#requests.size < this.#requestsMax) this.#begin(request, block);
    else this.#unsent.set(request, Buffer.from(block));
    return request;
  }

  /** Takes no further requests. It closes when the open ones are over. */
  retire(): void {
    this.#isRetired = true;
    if (this.#requests.size > 0 || this.#unsent.size > 0 || this.#isClosed) return;
    this.#isClosed = true;
    this.output.frame(GOAWAY, 0, 0, Buffer.concat([encodeNumber(0), encodeNumber(NO_ERROR)]));
    this.output.flush();
    this.#socket.end();
  }

  /** Ends the connection, and with it its requests. */
  destroy(): void {
    this.#socket.destroy();
  }

  // Called by requests.

  wait(request: Http2Request): void {
    this.#blocked.add(request);
  }

  forget(request: Http2Request): void {
    this.#blocked.delete(request);
    if (request.id === 0) this.#unsent.delete(request);
    else this.#requests.delete(request.id);
    this.#beginUnsent();
    if (this.#isRetired) this.retire();
  }

  #beginUnsent(): void {
    if (this.#unsent.size === 0) return;
    for (const [request, block] of this.#unsent) {
      if (this.#requests.size >= this.#requestsMax || this.#isClosed) return;
      this.#unsent.delete(request);
      this.#begin(request, block);
      request.pump();
    }
  }

  #begin(request: Http2Request, block: Buffer): void {
    request.id = this.#nextId;
    this.#nextId += 2;
    if (this.#nextId > WINDOW_BYTES_MAX) this.#isRetired = true;
    this.#requests.set(request.id, request);
    this.output.frame(HEADERS, END_HEADERS, request.id, block);
  }

  #pumpBlocked(): void {
    if (this.#blocked.size === 0) return;
    const blocked = this.#blocked;
    this.#blocked = new Set();
    for (const request of blocked) request.pump();
  }

  /** `bytes`: of the frame, which count for the connection also when its request is over. */
  #onData(id: number, piece: Buffer, { isEnd, bytes }: { isEnd: boolean; bytes: number }): void {
    this.#owedBytes += bytes;
    if (this.#owedBytes >= CONNECTION_WINDOW_BYTES / 2) {
      this.#widenConnection(this.#owedBytes);
      this.#owedBytes = 0;
    }
    this.#requests.get(id)?.receiveData(piece, isEnd);
  }

  #widenConnection(bytes: number): void {
    this.output.frame(WINDOW_UPDATE, 0, 0, encodeNumber(bytes));
  }

  /** @throws Error when the frame breaks the protocol. */
  #onFrame(frame: Frame): void {
    const { type, flags, id, payload } = frame;
    if (this.#partialHeaders !== undefined && type !== CONTINUATION) {
      throw new Error("headers are not continued");
    }
    switch (type) {
      case DATA: {
        const isEnd = (flags & END_STREAM) !== 0;
        this.#onData(id, withoutPadding(frame), { isEnd, bytes: payload.length });
        return;
      }
      case HEADERS:
        this.#addHeaders({ id, flags, block: withoutPadding(frame) }, flags);
        return;
      case CONTINUATION: {
        const partial = this.#partialHeaders;
        if (partial?.id !== id) throw new Error("a frame continues no headers");
        partial.block = Buffer.concat([partial.block, payload]);
        if (partial.block.length > HEADER_BYTES_MAX) throw new Error("headers are too large");
        this.#addHeaders(partial, flags);
        return;
      }
      case RST_STREAM:
        this.#requests.get(id)?.close(payload.readUInt32BE(0));
        return;
      case SETTINGS:
        if ((flags & ACK) === 0) this.#onSettings(payload);
        return;
      case PUSH_PROMISE:
        throw new Error("a response is pushed");
      case PING:
        if ((flags & ACK) === 0) this.#answer(PING, payload);
        return;
      case GOAWAY:
        this.#onGoAway(payload.readUInt32BE(0));
        return;
      case WINDOW_UPDATE: {
        const bytes = payload.readUInt32BE(0) & WINDOW_BYTES_MAX;
        if (id === 0) this.sendWindow += bytes;
        else this.#requests.get(id)?.widen(bytes);
        if (this.sendWindow > WINDOW_BYTES_MAX) throw new Error("a window is too large");
        this.#pumpBlocked();
        return;
      }
      default:
      // Frames of other types are ignored (section 4.1).
    }
  }

  #addHeaders(part: { id: number; flags: number; block: Buffer }, flags: number): void {
    if ((flags & END_HEADERS) === 0) {
      this.#partialHeaders = { ...part, block: Buffer.from(part.block) };
      return;
    }
    this.#partialHeaders = undefined;
    // Also those of a request that is over: later ones may refer to them.
    const headers = this.#decoder.decode(part.block);
    this.#requests.get(part.id)?.receiveHeaders(headers, (part.flags & END_STREAM) !== 0);
  }

  #onSettings(payload: Buffer): void {
    for (let at = 0; at + 6 <= payload.length; at += 6) {
      const value = payload.readUInt32BE(at + 2);
      switch (payload.readUInt16BE(at)) {
        case MAX_CONCURRENT_STREAMS:
          this.#requestsMax = value;
          break;
        case INITIAL_WINDOW_SIZE: {
          // It holds for open requests, too (section 6.9.2).
          if (value > WINDOW_BYTES_MAX) throw new Error("a window is too large");
          for (const request of this.#requests.values()) request.widen(value - this.#requestWindow);
          for (const request of this.#unsent.keys()) request.widen(value - this.#requestWindow);
          this.#requestWindow = value;
          break;
        }
        default:
        // The others limit what this side does not send.
      }
    }
    this.#answer(SETTINGS, Buffer.alloc(0));
    this.#beginUnsent();
    this.#pumpBlocked();
  }

  /** @throws Error when the program does not read: answers to its frames would fill the memory. */
  #answer(type: number, payload: Buffer): void {
    if (this.output.waitingBytes > UNREAD_BYTES_MAX) throw new Error("nothing is read");
    this.output.frame(type, ACK, 0, payload);
  }

  /** The requests after the last one were not processed. */
  #onGoAway(lastId: number): void {
    this.#isRetired = true;
    for (const request of [...this.#unsent.keys(), ...this.#requests.values()]) {
      if (request.id === 0 || request.id > lastId) request.close(REFUSED_STREAM);
    }
    this.retire();
  }

  #onClose(): void {
    this.#isClosed = true;
    for (const request of [...this.#unsent.keys(), ...this.#requests.values()]) {
      request.close(undefined);
    }
  }
}
