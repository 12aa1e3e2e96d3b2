import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import {
  type CallHandle,
  type CallListener,
  type CallRequest,
  callDeadline,
  cancelled,
  LeverError,
  type Limits,
  type Payload,
  type PayloadKind,
} from "@leveros/protocol";
import { asCallError, malformed } from "./call-error.ts";
import { readAskedMs, readUrl } from "./call-metadata.ts";
import { GrpcResponse } from "./grpc-response.ts";
import { MessageReader } from "./message-reader.ts";
import {
  decodeRpc,
  decodeStreamMessage,
  encodeReply,
  encodeStreamMessage,
  type StreamMessage,
} from "./rpc-messages.ts";
import { errorTrailers, okTrailers } from "./status.ts";

/** A call as it came over gRPC. The caller follows from the connection. */
export type GrpcRequest = Omit<CallRequest, "caller" | "release">;

export interface GrpcOptions {
  readonly open: (request: GrpcRequest, listener: CallListener, hasMore: boolean) => CallHandle;
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
  const response = new GrpcResponse(stream, options.onUnread);
  stream.on("error", () => {});
  try {
    const path = headers[":path"];
    if (path !== UNARY_PATH && path !== STREAMING_PATH) {
      throw new LeverError("not_supported", `There is no gRPC method ${path}.`);
    }
    const target = readUrl(headers["lever-url"], options.environment);
    const isStream = path === STREAMING_PATH;
    const askedMs = readAskedMs(headers["grpc-timeout"]);
    const timeoutMs = callDeadline({ askedMs, isStreaming: isStream }, options.limits);
    const request = { target, isStream, timeoutMs };
    if (isStream) serveStreaming(stream, response, request, options);
    else serveUnary(stream, response, request, options);
  } catch (error) {
    response.end(errorTrailers(asCallError(error)));
  }
}

type CallStart = Pick<GrpcRequest, "target" | "isStream" | "timeoutMs">;

function serveUnary(
  stream: ServerHttp2Stream,
  response: GrpcResponse,
  start: CallStart,
  options: GrpcOptions,
): void {
  let args: Payload | undefined;
  let call: CallHandle | undefined;
  readMessages(stream, options.limits, {
    onMessage(bytes) {
      if (args !== undefined) throw malformed("it has more than one message");
      args = decodeRpc(bytes);
    },
    onEnd() {
      if (args === undefined) throw malformed("it has no message");
      const { kind, bytes: body } = args;
      call = options.open({ ...start, kind, body }, events, false);
    },
    onError: (error) => response.end(errorTrailers(error)),
  });
  const events: CallListener = {
    onMessage: (kind, bytes) =>
      response.send(() => encodeReply({ type: "result", payload: { kind, bytes } })),
    onFail: (kind, bytes) => {
      response.send(() => encodeReply({ type: "error", payload: { kind, bytes } }));
      response.end(okTrailers);
    },
    onEnd: () => response.end(okTrailers),
    onAbort: (error) => response.end(errorTrailers(error)),
    onDrain() {},
  };
  stream.on("close", () => {
    if (!response.isOver) call?.abort(cancelled("connectionClosed"));
  });
}

function serveStreaming(
  stream: ServerHttp2Stream,
  response: GrpcResponse,
  start: CallStart,
  options: GrpcOptions,
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
      if (!send({ type: "message", payload: { kind, bytes } })) call?.pause();
    },
    onFail(kind, bytes) {
      send({ type: "error", payload: { kind, bytes } });
      response.end(okTrailers);
    },
    onEnd: () => response.end(okTrailers),
    onAbort: (error) => response.end(errorTrailers(error)),
    onDrain: () => stream.resume(),
  };
  readMessages(stream, options.limits, {
    onMessage(bytes) {
      if (response.isOver) return;
      const message = decodeStreamMessage(bytes);
      if (call === undefined) {
        if (message.type !== "rpc") throw malformed("its first message is not an rpc");
        const { kind, bytes: body } = message.payload;
        call = options.open({ ...start, kind, body }, events, true);
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

/** Reads the messages of a stream. The first error, also of a handler, ends the reading and is passed to `onError`. */
function readMessages(
  stream: ServerHttp2Stream,
  limits: GrpcOptions["limits"],
  handlers: {
    onMessage(bytes: Buffer): void;
    onEnd(): void;
    onError(error: LeverError): void;
  },
): void {
  const reader = new MessageReader(limits.bodyBytesMax + ENCODING_BYTES);
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
      for (const message of reader.push(chunk)) handlers.onMessage(message);
    }),
  );
  stream.on("end", () =>
    guard(() => {
      if (reader.isWithinMessage) throw malformed("its last message is cut off");
      handlers.onEnd();
    }),
  );
}
