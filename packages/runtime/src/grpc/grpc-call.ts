import type { IncomingHttpHeaders } from "node:http2";
import {
  type CallHandle,
  type CallListener,
  type CallRequest,
  callDeadline,
  cancelled,
  encodedOnce,
  LeverError,
  type Limits,
  type Payload,
  type PayloadKind,
  parseTraceparent,
} from "@leveros/protocol";
import type { ServerStream } from "../http2/server-stream.ts";
import { asCallError, malformed } from "./call-error.ts";
import { readAskedMs, readUrl } from "./call-metadata.ts";
import { GrpcResponse } from "./grpc-response.ts";
import { isGzip } from "./message-reader.ts";
import { type MessageListener, readMessages, tooManyMessages } from "./message-stream.ts";
import {
  decodeRpc,
  decodeStreamMessage,
  encodeReply,
  encodeStreamMessage,
  type StreamMessage,
} from "./rpc-messages.ts";
import { errorTrailers, okTrailers } from "./status.ts";

/** The part of a gRPC call that its head has. The caller follows from the connection. */
type GrpcStart = Pick<CallRequest, "target" | "isStream" | "timeoutMs" | "trace">;

/** Opens an admitted call with its arguments. */
type OpenCall = (args: Payload, listener: CallListener, hasMore: boolean) => CallHandle;

export interface GrpcOptions {
  /** Admits a call by its head, before a message is read. @throws LeverError */
  readonly admit: (start: GrpcStart) => OpenCall;
  /** Counts the bytes that the call holds from now on. False = all calls together hold too many. Default: no limit. */
  readonly hold?: (bytes: number) => boolean;
  /** The id of the call, for the trailers of one that failed or waited. */
  readonly call?: string;
  /** The trailers name the call, also when it succeeds. */
  readonly namesCall?: boolean;
  /** Environment of relative URLs; undefined = relative URLs are refused. */
  readonly environment: string | undefined;
  /** A message is buffered until the caller reads. */
  readonly onUnread?: (stream: ServerStream) => void;
  /** The call's stream is over. */
  readonly onClose?: () => void;
  readonly limits: Pick<Limits, "bodyBytesMax" | "callTimeoutMs" | "callTimeoutMaxMs">;
}

export const UNARY_PATH = "/core.LeverRPC/HandleRPC";
export const STREAMING_PATH = "/core.LeverRPC/HandleStreamingRPC";

/** Serves one gRPC call: an HTTP/2 stream whose content type is application/grpc. */
export function serveGrpc(
  stream: ServerStream,
  headers: IncomingHttpHeaders,
  options: GrpcOptions,
): void {
  const encoding = headers["grpc-encoding"]?.toString();
  const { onUnread, call: id, namesCall } = options;
  const compresses = isGzip(encoding);
  const response = new GrpcResponse(stream, { compresses, onUnread, call: id, namesCall });
  try {
    const path = headers[":path"];
    if (path !== UNARY_PATH && path !== STREAMING_PATH) {
      throw new LeverError("not_supported", `There is no gRPC method ${path}.`);
    }
    checkEncoding(encoding);
    const target = readUrl(headers["lever-url"], options.environment);
    const isStream = path === STREAMING_PATH;
    const askedMs = readAskedMs(headers["grpc-timeout"]);
    const timeoutMs = callDeadline({ askedMs, isStreaming: isStream }, options.limits);
    const trace = parseTraceparent(headers["traceparent"]?.toString());
    const open = options.admit({ target, isStream, timeoutMs, trace });
    const call = isStream
      ? new StreamingCall(stream, { response, open, onClose: options.onClose })
      : new UnaryCall(response, open, options);
    readMessages(stream, { ...options, encoding }, call);
  } catch (error) {
    response.end(errorTrailers(asCallError(error)));
  }
}

/** A call of a regular method. */
class UnaryCall implements MessageListener, CallListener {
  readonly #response: GrpcResponse;
  readonly #open: OpenCall;
  readonly #options: Pick<GrpcOptions, "hold" | "onClose">;
  #args: Payload | undefined;
  #call: CallHandle | undefined;

  constructor(
    response: GrpcResponse,
    open: OpenCall,
    options: Pick<GrpcOptions, "hold" | "onClose">,
  ) {
    this.#response = response;
    this.#open = open;
    this.#options = options;
  }

  // From the caller.

  onRequest(bytes: Buffer): void {
    if (this.#args !== undefined) throw malformed("it has more than one message");
    if (this.#options.hold?.(bytes.length) === false) throw tooManyMessages();
    this.#args = decodeRpc(bytes);
  }

  onRequestEnd(): void {
    if (this.#args === undefined) throw malformed("it has no message");
    this.#call = this.#open(this.#args, this, false);
  }

  onMalformed(error: LeverError): void {
    this.#response.end(errorTrailers(error));
  }

  onWritable(): void {}

  onClose(): void {
    if (!this.#response.isOver) this.#call?.abort(cancelled("connectionClosed"));
    this.#options.onClose?.();
  }

  // From the method.

  onAssigned(): void {
    this.#response.namesCall = true;
  }

  onMessage(kind: PayloadKind, bytes: Uint8Array): void {
    this.#response.send(() => encodeReply({ type: "result", payload: { kind, bytes } }));
  }

  onFail(kind: PayloadKind, bytes: Uint8Array): void {
    this.#response.send(() => encodeReply({ type: "error", payload: { kind, bytes } }));
    this.#response.end(okTrailers, true);
  }

  onEnd(): void {
    this.#response.end(okTrailers);
  }

  onAbort(error: LeverError): void {
    this.#response.end(errorTrailers(error));
  }

  onDrain(): void {}
}

const encodeMessage = encodedOnce((kind, bytes) =>
  encodeStreamMessage({ type: "message", payload: { kind, bytes } }),
);

/** A call of a streaming method. */
class StreamingCall implements MessageListener, CallListener {
  readonly #stream: ServerStream;
  readonly #response: GrpcResponse;
  readonly #open: OpenCall;
  readonly #onClose: (() => void) | undefined;
  #call: CallHandle | undefined;

  constructor(
    stream: ServerStream,
    options: {
      readonly response: GrpcResponse;
      readonly open: OpenCall;
      readonly onClose: (() => void) | undefined;
    },
  ) {
    this.#stream = stream;
    this.#response = options.response;
    this.#open = options.open;
    this.#onClose = options.onClose;
  }

  // From the caller.

  onRequest(bytes: Buffer): void {
    if (this.#response.isOver) return;
    const message = decodeStreamMessage(bytes);
    const call = this.#call;
    if (call === undefined) {
      if (message.type !== "rpc") throw malformed("its first message is not an rpc");
      this.#call = this.#open(message.payload, this, true);
      // The caller waits for this message: the stream is open.
      if (!this.#response.isOver) this.#send({ type: "empty" });
      return;
    }
    if (message.type === "rpc") throw malformed("it has a second rpc message");
    if (message.type === "error") throw cancelled("callerFailed");
    if (message.type === "empty") return;
    const { kind, bytes: body } = message.payload;
    if (!call.send(kind, body)) this.#stream.pause();
  }

  onRequestEnd(): void {
    if (this.#call === undefined) throw malformed("it has no message");
    this.#call.end();
  }

  onMalformed(error: LeverError): void {
    this.#call?.abort(error);
    this.#response.end(errorTrailers(error));
  }

  onWritable(): void {
    this.#call?.resume();
  }

  onClose(): void {
    if (!this.#response.isOver) this.#call?.abort(cancelled("connectionClosed"));
    this.#onClose?.();
  }

  // From the method.

  onAssigned(): void {
    this.#response.namesCall = true;
  }

  onMessage(kind: PayloadKind, bytes: Uint8Array): void {
    if (!this.#response.send(() => encodeMessage(kind, bytes))) this.#call?.pause();
  }

  onFail(kind: PayloadKind, bytes: Uint8Array): void {
    this.#send({ type: "error", payload: { kind, bytes } });
    this.#response.end(okTrailers, true);
  }

  onEnd(): void {
    this.#response.end(okTrailers);
  }

  onAbort(error: LeverError): void {
    this.#response.end(errorTrailers(error));
  }

  onDrain(): void {
    this.#stream.resume();
  }

  #send(message: StreamMessage): void {
    this.#response.send(() => encodeStreamMessage(message));
  }
}

/** @throws LeverError `not_supported` (grpc/doc/compression.md) */
function checkEncoding(encoding: string | undefined): void {
  if (encoding === undefined || encoding === "identity" || isGzip(encoding)) return;
  const found = JSON.stringify(encoding.slice(0, 40));
  throw new LeverError(
    "not_supported",
    `Cannot read the gRPC call: its grpc-encoding is ${found}; allowed are identity and gzip.`,
  );
}
