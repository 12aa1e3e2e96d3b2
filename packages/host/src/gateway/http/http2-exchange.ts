import {
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import type { Connection } from "../admission/admit-call.ts";
import type { HttpRequest, HttpResponse } from "./exchange.ts";

/*
 * A request and its response on a stream of HTTP/2. Node's own objects for these copy the body into a second stream, listen
 * to a dozen events, and send one more frame for each response.
 */

type Listener = ((chunk: Buffer) => void) | ((error?: Error) => void);

/** A request of HTTP/2. */
export class Http2Request implements HttpRequest {
  readonly httpVersion = "2.0";
  readonly httpVersionMajor = 2;
  readonly url: string | undefined;
  readonly method: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly socket: Connection;
  readonly #stream: ServerHttp2Stream;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, socket: Connection) {
    this.#stream = stream;
    this.headers = headers;
    this.socket = socket;
    this.url = headers[":path"];
    this.method = headers[":method"];
  }

  get complete(): boolean {
    return this.#stream.readableEnded || isOver(this.#stream);
  }

  on(event: "data", listener: (chunk: Buffer) => void): void;
  on(event: "end", listener: () => void): void;
  on(event: "error", listener: (error?: Error) => void): void;
  on(event: "data" | "end" | "error", listener: Listener): void {
    const stream = this.#stream;
    if (event !== "end") {
      stream.on(event === "error" ? "aborted" : event, listener);
      return;
    }
    stream.on("end", () => {
      // The stream of a caller that resets it without an error ends, too, in the middle of the body.
      if (!stream.aborted) Reflect.apply(listener, undefined, []);
    });
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  destroy(): void {
    this.#stream.close(constants.NGHTTP2_NO_ERROR);
  }
}

/** A response of HTTP/2. Once its stream is closed, nothing is written any more. */
export class Http2Response implements HttpResponse {
  readonly stream: ServerHttp2Stream;
  /** Bytes go to the stream, not to the connection. */
  readonly socket = null;
  #headers: OutgoingHttpHeaders | undefined;

  constructor(stream: ServerHttp2Stream) {
    this.stream = stream;
  }

  get headersSent(): boolean {
    return this.stream.headersSent;
  }

  get destroyed(): boolean {
    return isOver(this.stream);
  }

  setHeader(name: string, value: string): void {
    this.#headers = { ...this.#headers, [name]: value };
  }

  writeContinue(): void {
    if (!this.destroyed) this.stream.additionalHeaders({ ":status": 100 });
  }

  writeHead(status: number, headers: OutgoingHttpHeaders): void {
    if (this.destroyed) return;
    // A body of unknown length ends with a frame of its own: if the response breaks off, the caller must not see an end.
    const waitForTrailers = headers["content-length"] === undefined;
    this.stream.respond({ ":status": status, ...this.#headers, ...headers }, { waitForTrailers });
  }

  write(chunk: Uint8Array | string, onWritten?: () => void): boolean {
    return this.destroyed || this.stream.write(chunk, onWritten);
  }

  end(chunk?: Uint8Array | string, encoding?: "latin1"): void {
    const { stream } = this;
    // A HEAD request has ended its response by itself.
    if (stream.writableEnded || this.destroyed) return;
    if (encoding === undefined) stream.end(chunk);
    else stream.end(chunk, encoding);
  }

  destroy(): void {
    this.stream.destroy();
  }

  on(event: "close" | "drain", listener: () => void): void {
    this.stream.on(event, listener);
  }
}

/** Node emits "close" only later. */
function isOver(stream: ServerHttp2Stream): boolean {
  return stream.destroyed || stream.closed;
}
