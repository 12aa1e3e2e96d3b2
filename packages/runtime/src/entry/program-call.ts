import {
  type CallHandle,
  type CallListener,
  LeverError,
  PAYLOAD_BYTES,
  PAYLOAD_JSON,
  type Payload,
  type PayloadKind,
} from "@leveros/protocol";
import { countPassed } from "../buffer-garbage.ts";
import { frameMessage, MessageReader } from "../grpc/message-reader.ts";
import {
  decodeReply,
  decodeStreamMessage,
  encodeStreamMessage,
  frameBytesHead,
} from "../grpc/rpc-messages.ts";
import type { Http2Request, RequestListener } from "../http2/client-request.ts";
import { CANCEL } from "../http2/frame.ts";
import type { Headers } from "../http2/header-decoder.ts";
import { splitLines } from "../line-messages.ts";
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

const NO_HEADERS: Headers = {};

export interface ProgramCallOptions {
  readonly isStream: boolean;
  /** Bytes of one message. */
  readonly bytesMax: number;
  /** Called once, when the call is over. `wasCancelled`: by its caller. */
  readonly onOver: (wasCancelled: boolean) => void;
}

/** One call to the program by gRPC. It sends the caller's messages, and the program's messages to `side`. */
export class ProgramCall implements CallListener, RequestListener {
  readonly #side: CallHandle;
  readonly #options: ProgramCallOptions;
  readonly #reader: MessageReader;
  #request: Http2Request | undefined;
  /** The caller has its answer, or has left. */
  #isOver = false;
  #wasCancelled = false;
  #headers = NO_HEADERS;
  #status = NO_HEADERS;

  constructor(side: CallHandle, options: ProgramCallOptions) {
    this.#side = side;
    this.#options = options;
    this.#reader = new MessageReader(options.bytesMax);
  }

  /** Sends the first message. */
  begin(request: Http2Request, message: Uint8Array): void {
    this.#request = request;
    countPassed(message.length);
    if (this.#options.isStream) request.write(frameMessage(message));
    else request.end(frameMessage(message));
  }

  // From the caller.

  onLines(bytes: Uint8Array): void {
    for (const line of splitLines(bytes)) this.onMessage(PAYLOAD_JSON, line);
  }

  onMessage(kind: PayloadKind, bytes: Uint8Array): void {
    if (this.#isOver || !this.#options.isStream) return;
    try {
      if (!this.#writeMessage({ kind, bytes })) this.#side.pause();
    } catch (error) {
      this.#cancel(asMalformed(error));
    }
  }

  onEnd(): void {
    if (this.#options.isStream) this.#request?.end();
  }

  onFail(): void {
    this.onAbort();
  }

  onAbort(): void {
    this.#isOver = true;
    this.#reset();
  }

  onDrain(): void {
    this.#request?.resume();
  }

  #writeMessage(payload: Payload): boolean {
    const request = this.#request;
    if (request === undefined) return true;
    countPassed(payload.bytes.length);
    if (payload.kind === PAYLOAD_JSON || payload.bytes.length < UNCOPIED_BYTES_MIN) {
      return request.write(frameMessage(encodeStreamMessage({ type: "message", payload })));
    }
    request.write(frameBytesHead(payload.bytes.length));
    return request.write(payload.bytes);
  }

  // From the program.

  onHeaders(headers: Headers): void {
    if (this.#headers === NO_HEADERS) {
      this.#headers = headers;
      this.#reader.encoding = headers["grpc-encoding"];
    }
    this.#status = headers;
  }

  onContent(piece: Buffer): void {
    if (this.#isOver) return;
    countPassed(piece.length);
    try {
      for (const message of this.#reader.push(piece)) this.#receive(message, piece);
    } catch (error) {
      this.#cancel(error instanceof LeverError ? error : programFailed(String(error)));
    }
  }

  onWritable(): void {
    this.#side.resume();
  }

  onClosed(code: number | undefined): void {
    this.#closed(code);
    this.#options.onOver(this.#wasCancelled);
  }

  #receive(bytes: Buffer, piece: Buffer): void {
    const message = this.#options.isStream ? decodeStreamMessage(bytes) : decodeReply(bytes);
    switch (message.type) {
      case "error":
        this.#isOver = true;
        this.#side.fail(message.payload.kind, ownBytes(message.payload, piece));
        return;
      case "result":
        this.#isOver = true;
        this.#side.send(message.payload.kind, ownBytes(message.payload, piece), true);
        return;
      case "message":
        if (!this.#side.send(message.payload.kind, ownBytes(message.payload, piece))) {
          this.#request?.pause();
        }
        return;
      case "empty":
      case "rpc":
        // The first message of a stream: it is open.
        return;
    }
  }

  #closed(code: number | undefined): void {
    if (this.#isOver) return;
    const status = this.#status["grpc-status"];
    if (status === "0" && this.#options.isStream) {
      this.#isOver = true;
      this.#side.end();
    } else if (status !== undefined) {
      this.#isOver = true;
      this.#side.abort(statusError(this.#status));
    } else if (code !== undefined) {
      // The connection is intact: the program itself has ended this call.
      this.#isOver = true;
      this.#side.abort(resetError(code, this.#headers[":status"]));
    } else {
      setTimeout(() => {
        if (this.#isOver) return;
        this.#isOver = true;
        this.#side.abort(connectionBroke());
      }, EXIT_GRACE_MS);
    }
  }

  #cancel(error: LeverError): void {
    this.#isOver = true;
    this.#side.abort(error);
    this.#reset();
  }

  #reset(): void {
    this.#wasCancelled = true;
    this.#request?.reset(CANCEL);
  }
}

/** The bytes of a payload. The memory of a piece is used again for the next one. */
function ownBytes({ kind, bytes }: Payload, piece: Buffer): Uint8Array {
  return kind === PAYLOAD_BYTES && bytes.buffer === piece.buffer ? Buffer.from(bytes) : bytes;
}
