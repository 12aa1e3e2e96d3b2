import type { ServerHttp2Stream } from "node:http2";
import { asCallError } from "./call-error.ts";
import { ACCEPTED_ENCODINGS, frameCompressed, frameMessage } from "./message-reader.ts";
import { errorTrailers, okTrailers, type Trailers } from "./status.ts";

const HEADERS = {
  ":status": 200,
  "content-type": "application/grpc+proto",
  "grpc-accept-encoding": ACCEPTED_ENCODINGS,
};

/** The response of a gRPC call: headers, messages, trailers. */
export class GrpcResponse {
  isOver = false;
  readonly #stream: ServerHttp2Stream;
  readonly #compresses: boolean;
  readonly #onUnread: ((stream: ServerHttp2Stream) => void) | undefined;
  readonly #call: string | undefined;
  #trailers: Trailers = okTrailers;

  /** `compresses` = messages are compressed with gzip, as the caller's are. */
  constructor(
    stream: ServerHttp2Stream,
    options: {
      readonly compresses?: boolean;
      readonly onUnread?: ((stream: ServerHttp2Stream) => void) | undefined;
      readonly call?: string | undefined;
    } = {},
  ) {
    this.#call = options.call;
    this.#stream = stream;
    this.#compresses = options.compresses === true;
    this.#onUnread = options.onUnread;
    stream.on("wantTrailers", () => {
      if (!this.#isClosed) stream.sendTrailers(this.#trailers);
    });
  }

  /** The stream has closed, so that writing would throw. Node emits "close" only later. */
  get #isClosed(): boolean {
    return this.#stream.destroyed || this.#stream.closed;
  }

  /** False = wait for the stream's drain. A message that cannot be encoded ends the call with its reason. */
  send(encode: () => Uint8Array): boolean {
    if (this.isOver || this.#isClosed) return true;
    let message: Uint8Array;
    try {
      message = encode();
    } catch (error) {
      this.end(errorTrailers(asCallError(error)));
      return true;
    }
    this.#respond();
    const frame = this.#compresses ? frameCompressed(message) : frameMessage(message);
    if (this.#stream.write(frame)) return true;
    this.#onUnread?.(this.#stream);
    return false;
  }

  /** `hasFailed` = the trailers name the call. Those of Lever's errors always do. */
  end(given: Trailers, hasFailed: boolean = given !== okTrailers): void {
    if (this.isOver) return;
    this.isOver = true;
    const call = this.#call;
    const trailers = hasFailed && call !== undefined ? { ...given, "lever-call": call } : given;
    if (this.#isClosed) {
      this.#stream.resume();
      return;
    }
    if (!this.#stream.headersSent) {
      this.#stream.respond({ ...HEADERS, ...trailers }, { endStream: true });
      this.#stream.resume();
      return;
    }
    this.#trailers = trailers;
    this.#stream.end();
    // Further messages of the caller are discarded, so that the stream can close.
    this.#stream.resume();
  }

  #respond(): void {
    if (this.#stream.headersSent) return;
    const headers = this.#compresses ? { ...HEADERS, "grpc-encoding": "gzip" } : HEADERS;
    this.#stream.respond(headers, { waitForTrailers: true });
  }
}
