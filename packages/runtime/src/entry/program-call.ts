import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
} from "node:http2";
import {
  type CallHandle,
  type CallListener,
  LeverError,
  PAYLOAD_JSON,
  type Payload,
  type PayloadKind,
} from "@leveros/protocol";
import { frameMessage, MessageReader } from "../grpc/message-reader.ts";
import {
  decodeReply,
  decodeStreamMessage,
  encodeStreamMessage,
  frameBytesHead,
} from "../grpc/rpc-messages.ts";
import { countPassed } from "./buffer-garbage.ts";
import {
  asMalformed,
  connectionBroke,
  programFailed,
  resetError,
  statusError,
} from "./program-error.ts";

/** Time after a broken connection in which the program may exit. The exit of this process then says more. */
const EXIT_GRACE_MS = 300;

/** Larger messages are sent without a copy. */
const UNCOPIED_BYTES_MIN = 4 * 1024;

/** One call to the program, as a gRPC stream. It sends the caller's messages, and the program's messages to `side`. */
export class ProgramCall implements CallListener {
  readonly #stream: ClientHttp2Stream;
  readonly #session: ClientHttp2Session | undefined;
  readonly #side: CallHandle;
  readonly #isStream: boolean;
  #isOver = false;
  #status: IncomingHttpHeaders = {};

  constructor(
    stream: ClientHttp2Stream,
    side: CallHandle,
    options: { isStream: boolean; bytesMax: number },
  ) {
    this.#stream = stream;
    // A stream that has closed no longer has it.
    this.#session = stream.session as ClientHttp2Session | undefined;
    this.#side = side;
    this.#isStream = options.isStream;
    const reader = new MessageReader(options.bytesMax);
    stream.on("error", () => {});
    stream.on("response", (headers) => {
      this.#status = headers;
      reader.encoding = headers["grpc-encoding"]?.toString();
    });
    stream.on("trailers", (trailers) => {
      this.#status = trailers;
    });
    stream.on("data", (chunk: Buffer) => {
      if (this.#isOver) return;
      countPassed(chunk.length);
      try {
        for (const message of reader.push(chunk)) this.#receive(message);
      } catch (error) {
        this.#finish();
        side.abort(error instanceof LeverError ? error : programFailed(String(error)));
        stream.close(constants.NGHTTP2_CANCEL);
      }
    });
    stream.on("drain", () => side.resume());
    stream.on("end", () => {
      // The program has ended the call, whether or not the caller has half-closed.
      if (this.#status["grpc-status"] !== undefined) this.#closed();
      stream.end();
    });
    stream.on("close", () => this.#closed());
  }

  write(message: Uint8Array): boolean {
    countPassed(message.length);
    return this.#stream.destroyed || this.#stream.write(frameMessage(message));
  }

  #writeMessage(payload: Payload): boolean {
    if (payload.kind === PAYLOAD_JSON || payload.bytes.length < UNCOPIED_BYTES_MIN) {
      return this.write(encodeStreamMessage({ type: "message", payload }));
    }
    countPassed(payload.bytes.length);
    if (this.#stream.destroyed) return true;
    this.#stream.cork();
    this.#stream.write(frameBytesHead(payload.bytes.length));
    const isBelowMark = this.#stream.write(payload.bytes);
    this.#stream.uncork();
    return isBelowMark;
  }

  onMessage(kind: PayloadKind, bytes: Uint8Array): void {
    if (this.#isOver || !this.#isStream) return;
    try {
      if (!this.#writeMessage({ kind, bytes })) this.#side.pause();
    } catch (error) {
      this.#finish();
      this.#side.abort(asMalformed(error));
      this.#stream.close(constants.NGHTTP2_CANCEL);
    }
  }

  onEnd(): void {
    if (this.#isStream) this.#stream.end();
  }

  onFail(): void {
    this.onAbort();
  }

  onAbort(): void {
    this.#finish();
    this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  onDrain(): void {
    this.#stream.resume();
  }

  #receive(bytes: Buffer): void {
    const message = this.#isStream ? decodeStreamMessage(bytes) : decodeReply(bytes);
    switch (message.type) {
      case "error":
        this.#finish();
        this.#side.fail(message.payload.kind, message.payload.bytes);
        return;
      case "result":
        this.#finish();
        this.#side.send(message.payload.kind, message.payload.bytes, true);
        return;
      case "message":
        if (!this.#side.send(message.payload.kind, message.payload.bytes)) this.#stream.pause();
        return;
      case "empty":
      case "rpc":
        // The first message of a stream: it is open.
        return;
    }
  }

  #closed(): void {
    if (this.#isOver) return;
    const status = this.#status["grpc-status"];
    if (status === "0" && this.#isStream) {
      this.#finish();
      this.#side.end();
    } else if (status !== undefined) {
      this.#finish();
      this.#side.abort(statusError(this.#status));
    } else if (this.#session?.destroyed === false) {
      // The connection is intact: the program itself has ended this call.
      this.#finish();
      this.#side.abort(resetError(this.#stream.rstCode, this.#status[":status"]));
    } else {
      setTimeout(() => {
        if (this.#isOver) return;
        this.#finish();
        this.#side.abort(connectionBroke());
      }, EXIT_GRACE_MS);
    }
  }

  #finish(): void {
    this.#isOver = true;
  }
}
