import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
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
} from "@leveros/protocol";
import { asCallError, malformed } from "./call-error.ts";
import { readAskedMs, readUrl } from "./call-metadata.ts";
import { GrpcResponse } from "./grpc-response.ts";
import { isGzip, MessageReader } from "./message-reader.ts";
import {
  decodeRpc,
  decodeStreamMessage,
  encodeReply,
  encodeStreamMessage,
  type StreamMessage,
} from "./rpc-messages.ts";
import { errorTrailers, okTrailers } from "./status.ts";

/** The part of a gRPC call that its head has. The caller follows from the connection. */
type GrpcStart = Pick<CallRequest, "target" | "isStream" | "timeoutMs">;

/** Opens an admitted call with its arguments. */
type OpenCall = (args: Payload, listener: CallListener, hasMore: boolean) => CallHandle;

export interface GrpcOptions {
  /** Admits a call by its head, before a message is read. @throws LeverError */
  readonly admit: (start: GrpcStart) => OpenCall;
  /** Counts the bytes that the call holds from now on. False = all calls together hold too many. Default: no limit. */
  readonly hold?: (bytes: number) => boolean;
  /** The id of the call, for the trailers of a failed one. */
  readonly call?: string;
  /** Environment of relative URLs; undefined = relative URLs are refused. */
  readonly environment: string | undefined;
  /** A message is buffered until the caller reads. */
  readonly onUnread?: (stream: ServerHttp2Stream) => void;
  readonly limits: Pick<Limits, "bodyBytesMax" | "callTimeoutMs" | "callTimeoutMaxMs">;
}

export const UNARY_PATH = "/core.LeverRPC/HandleRPC";
export const STREAMING_PATH = "/core.LeverRPC/HandleStreamingRPC";

/** Bytes that the encoding may add to a body of the largest size. */
export const ENCODING_BYTES: number = 64 * 1024;

/** Serves one gRPC call: an HTTP/2 stream whose content type is application/grpc. */
export function serveGrpc(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  options: GrpcOptions,
): void {
  const encoding = headers["grpc-encoding"]?.toString();
  const { onUnread, call } = options;
  const response = new GrpcResponse(stream, { compresses: isGzip(encoding), onUnread, call });
  stream.on("error", () => {});
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
    const open = options.admit({ target, isStream, timeoutMs });
    if (isStream) serveStreaming(stream, response, open, { ...options, encoding });
    else serveUnary(stream, response, open, { ...options, encoding });
  } catch (error) {
    response.end(errorTrailers(asCallError(error)));
  }
}

function serveUnary(
  stream: ServerHttp2Stream,
  response: GrpcResponse,
  open: OpenCall,
  options: ReadOptions,
): void {
  let args: Payload | undefined;
  let call: CallHandle | undefined;
  readMessages(stream, options, {
    onMessage(bytes) {
      if (args !== undefined) throw malformed("it has more than one message");
      if (options.hold?.(bytes.length) === false) throw tooManyMessages();
      args = decodeRpc(bytes);
    },
    onEnd() {
      if (args === undefined) throw malformed("it has no message");
      call = open(args, events, false);
    },
    onError: (error) => response.end(errorTrailers(error)),
  });
  const events: CallListener = {
    onMessage: (kind, bytes) =>
      response.send(() => encodeReply({ type: "result", payload: { kind, bytes } })),
    onFail: (kind, bytes) => {
      response.send(() => encodeReply({ type: "error", payload: { kind, bytes } }));
      response.end(okTrailers, true);
    },
    onEnd: () => response.end(okTrailers),
    onAbort: (error) => response.end(errorTrailers(error)),
    onDrain() {},
  };
  stream.on("close", () => {
    if (!response.isOver) call?.abort(cancelled("connectionClosed"));
  });
}

const encodeMessage = encodedOnce((kind, bytes) =>
  encodeStreamMessage({ type: "message", payload: { kind, bytes } }),
);

function serveStreaming(
  stream: ServerHttp2Stream,
  response: GrpcResponse,
  open: OpenCall,
  options: ReadOptions,
): void {
  let call: CallHandle | undefined;
  const giveUp = (error: LeverError): void => {
    call?.abort(error);
    response.end(errorTrailers(error));
  };
  const send = (message: StreamMessage): boolean =>
    response.send(() => encodeStreamMessage(message));
  const events: CallListener = {
    onMessage(kind: PayloadKind, bytes: Uint8Array) {
      if (!response.send(() => encodeMessage(kind, bytes))) call?.pause();
    },
    onFail(kind, bytes) {
      send({ type: "error", payload: { kind, bytes } });
      response.end(okTrailers, true);
    },
    onEnd: () => response.end(okTrailers),
    onAbort: (error) => response.end(errorTrailers(error)),
    onDrain: () => stream.resume(),
  };
  readMessages(stream, options, {
    onMessage(bytes) {
      if (response.isOver) return;
      const message = decodeStreamMessage(bytes);
      if (call === undefined) {
        if (message.type !== "rpc") throw malformed("its first message is not an rpc");
        call = open(message.payload, events, true);
        // The caller waits for this message: the stream is open.
        if (!response.isOver) send({ type: "empty" });
        return;
      }
      if (message.type === "rpc") throw malformed("it has a second rpc message");
      if (message.type === "error") throw cancelled("callerFailed");
      if (message.type === "empty") return;
      const { kind, bytes: body } = message.payload;
      if (!call.send(kind, body)) stream.pause();
    },
    onEnd() {
      if (call === undefined) throw malformed("it has no message");
      call.end();
    },
    onError: giveUp,
  });
  stream.on("drain", () => call?.resume());
  stream.on("close", () => {
    if (!response.isOver) call?.abort(cancelled("connectionClosed"));
  });
}

interface ReadOptions extends Pick<GrpcOptions, "hold"> {
  readonly limits: Pick<Limits, "bodyBytesMax">;
  /** The coding of compressed messages; undefined = there are none. */
  readonly encoding: string | undefined;
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

/** Reads the messages of a stream. The first error, also of a handler, ends the reading and is passed to `onError`. */
export function readMessages(
  stream: ServerHttp2Stream,
  { limits, hold, encoding }: ReadOptions,
  handlers: {
    onMessage(bytes: Buffer): void;
    onEnd(): void;
    onError(error: LeverError): void;
  },
): void {
  const reader = new MessageReader(limits.bodyBytesMax + ENCODING_BYTES, encoding);
  let hasFailed = false;
  const guard = (work: () => void): void => {
    if (hasFailed) return;
    try {
      work();
    } catch (error) {
      hasFailed = true;
      handlers.onError(asCallError(error));
    }
  };
  stream.on("data", (chunk: Buffer) =>
    guard(() => {
      const messages = reader.push(chunk);
      if (hold?.(reader.pendingBytes) === false) throw tooManyMessages();
      for (const message of messages) handlers.onMessage(message);
    }),
  );
  stream.on("end", () =>
    guard(() => {
      if (reader.isWithinMessage) throw malformed("its last message is cut off");
      handlers.onEnd();
    }),
  );
}

function tooManyMessages(): LeverError {
  return new LeverError(
    "overloaded",
    "Cannot accept the message: too many calls with large messages are in progress.",
    { retryAfterSeconds: 1 },
  );
}
