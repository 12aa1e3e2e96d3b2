import { encodeFields } from "../http2/header-block.ts";
import type { ServerStream } from "../http2/server-stream.ts";
import { asCallError } from "./call-error.ts";
import { ACCEPTED_ENCODINGS, compressMessage, messagePrefix } from "./message-reader.ts";
import { errorTrailers, okTrailers, type Trailers } from "./status.ts";

const HEADERS = {
  ":status": 200,
  "content-type": "application/grpc+proto",
  "grpc-accept-encoding": ACCEPTED_ENCODINGS,
};
const PLAIN_HEAD = encodeFields(HEADERS);
const GZIP_HEAD = encodeFields({ ...HEADERS, "grpc-encoding": "gzip" });
const OK_TRAILERS = encodeFields(okTrailers);

/** The response of a gRPC call: headers, messages, trailers. */
export class GrpcResponse {
  isOver = false;
  /** The trailers name the call, also when it succeeds. */
  namesCall: boolean;
  readonly #stream: ServerStream;
  readonly #compresses: boolean;
  readonly #onUnread: ((stream: ServerStream) => void) | undefined;
  readonly #call: string | undefined;

  /** `compresses` = messages are compressed with gzip, as the caller's are. */
  constructor(
    stream: ServerStream,
    options: {
      readonly compresses?: boolean;
      readonly onUnread?: ((stream: ServerStream) => void) | undefined;
      readonly call?: string | undefined;
      readonly namesCall?: boolean | undefined;
    } = {},
  ) {
    this.#call = options.call;
    this.namesCall = options.namesCall === true;
    this.#stream = stream;
    this.#compresses = options.compresses === true;
    this.#onUnread = options.onUnread;
  }

  /** False = wait for the stream's drain. A message that cannot be encoded ends the call with its reason. */
  send(encode: () => Uint8Array): boolean {
    const stream = this.#stream;
    if (this.isOver || stream.destroyed) return true;
    let message: Uint8Array;
    try {
      message = encode();
    } catch (error) {
      this.end(errorTrailers(asCallError(error)));
      return true;
    }
    if (!stream.headersSent) stream.respond(this.#compresses ? GZIP_HEAD : PLAIN_HEAD);
    const compressed = this.#compresses ? compressMessage(message) : undefined;
    const sent = compressed ?? message;
    if (stream.write(sent, messagePrefix(sent, compressed !== undefined))) return true;
    this.#onUnread?.(stream);
    return false;
  }

  /** `hasFailed` = the trailers name the call. Those of Lever's errors always do. */
  end(given: Trailers, hasFailed: boolean = given !== okTrailers): void {
    if (this.isOver) return;
    this.isOver = true;
    const call = this.#call;
    const isNamed = call !== undefined && (hasFailed || this.namesCall);
    const trailers = isNamed ? { ...given, "lever-call": call } : given;
    const stream = this.#stream;
    if (!stream.headersSent) stream.respond(encodeFields({ ...HEADERS, ...trailers }), true);
    else stream.endWithTrailers(trailers === okTrailers ? OK_TRAILERS : encodeFields(trailers));
    // Further messages of the caller are discarded, so that the stream can close.
    stream.resume();
  }
}
