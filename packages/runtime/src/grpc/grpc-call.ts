import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import {
  type CallHandle,
  type CallListener,
  type CallRequest,
  callDeadline,
  LeverError,
  type LeverUrl,
  type Limits,
  type Payload,
  type PayloadKind,
  parseLeverUrl,
} from "@leveros/protocol";
import { frameMessage, MessageReader } from "./message-reader.ts";
import {
  decodeRpc,
  decodeStreamMessage,
  encodeReply,
  encodeStreamMessage,
  type StreamMessage,
} from "./rpc-messages.ts";
import { errorTrailers, okTrailers, type Trailers } from "./status.ts";

/** A call as it came over gRPC. The caller follows from the connection. */
export type GrpcRequest = Omit<CallRequest, "caller" | "release">;

export interface GrpcOptions {
  readonly open: (request: GrpcRequest, listener: CallListener, hasMore: boolean) => CallHandle;
  /** Of relative URLs; undefined = there are none. */
  readonly environment: string | undefined;
  readonly limits: Pick<Limits, "bodyBytesMax" | "callTimeoutMs" | "callTimeoutMaxMs">;
}

export const UNARY_PATH = "/core.LeverRPC/HandleRPC";
export const STREAMING_PATH = "/core.LeverRPC/HandleStreamingRPC";

/** Room for what the encoding adds to a body of the largest size. */
export const ENCODING_BYTES: number = 64 * 1024;

/** Carries one gRPC call: an HTTP/2 stream whose content type is application/grpc. */
export function serveGrpc(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  options: GrpcOptions,
): void {
  const answer = new GrpcAnswer(stream);
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
    if (isStream) serveStreaming(stream, answer, request, options);
    else serveUnary(stream, answer, request, options);
  } catch (error) {
    answer.end(errorTrailers(asLeverError(error)));
  }
}

type CallStart = Pick<GrpcRequest, "target" | "isStream" | "timeoutMs">;

function serveUnary(
  stream: ServerHttp2Stream,
  answer: GrpcAnswer,
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
    onError: (error) => answer.end(errorTrailers(error)),
  });
  const events: CallListener = {
    onMessage: (kind, bytes) =>
      answer.send(() => encodeReply({ type: "result", payload: { kind, bytes } })),
    onFail: (kind, bytes) => {
      answer.send(() => encodeReply({ type: "error", payload: { kind, bytes } }));
      answer.end(okTrailers);
    },
    onEnd: () => answer.end(okTrailers),
    onAbort: (error) => answer.end(errorTrailers(error)),
    onDrain() {},
  };
  stream.on("close", () => {
    if (!answer.isOver) call?.abort(callerLeft());
  });
}

function serveStreaming(
  stream: ServerHttp2Stream,
  answer: GrpcAnswer,
  start: CallStart,
  options: GrpcOptions,
): void {
  let call: CallHandle | undefined;
  const giveUp = (error: LeverError): void => {
    call?.abort(error);
    answer.end(errorTrailers(error));
  };
  const send = (message: StreamMessage): boolean => answer.send(() => encodeStreamMessage(message));
  const events: CallListener = {
    onMessage(kind: PayloadKind, bytes: Uint8Array) {
      if (!send({ type: "message", payload: { kind, bytes } })) call?.pause();
    },
    onFail(kind, bytes) {
      send({ type: "error", payload: { kind, bytes } });
      answer.end(okTrailers);
    },
    onEnd: () => answer.end(okTrailers),
    onAbort: (error) => answer.end(errorTrailers(error)),
    onDrain: () => stream.resume(),
  };
  readMessages(stream, options.limits, {
    onMessage(bytes) {
      if (answer.isOver) return;
      const message = decodeStreamMessage(bytes);
      if (call === undefined) {
        if (message.type !== "rpc") throw malformed("its first message is no rpc");
        const { kind, bytes: body } = message.payload;
        call = options.open({ ...start, kind, body }, events, true);
        // Tells the caller that the stream is open.
        if (!answer.isOver) send({ type: "empty" });
        return;
      }
      if (message.type === "rpc") throw malformed("it has a second rpc message");
      if (message.type === "error")
        throw new LeverError("cancelled", "The caller failed and left.");
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
    if (!answer.isOver) call?.abort(callerLeft());
  });
}

/** Reads a stream's messages; what a handler throws ends the reading, and is told once. */
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
      handlers.onError(asLeverError(error));
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

/** The answering half of a gRPC call: headers, messages, trailers. */
class GrpcAnswer {
  isOver = false;
  readonly #stream: ServerHttp2Stream;
  #trailers: Trailers = okTrailers;

  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream;
    stream.on("wantTrailers", () => {
      if (!this.#isGone) stream.sendTrailers(this.#trailers);
    });
  }

  /** The caller has left, or was cut: Node throws at whoever still answers. It tells by "close", which comes later. */
  get #isGone(): boolean {
    return this.#stream.destroyed || this.#stream.closed;
  }

  /** False = wait for the stream's drain. A message that cannot be encoded ends the call with its reason. */
  send(encode: () => Uint8Array): boolean {
    if (this.isOver || this.#isGone) return true;
    let message: Uint8Array;
    try {
      message = encode();
    } catch (error) {
      this.end(errorTrailers(asLeverError(error)));
      return true;
    }
    this.#respond();
    return this.#stream.write(frameMessage(message));
  }

  end(trailers: Trailers): void {
    if (this.isOver) return;
    this.isOver = true;
    if (this.#isGone) {
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
    // What the caller still sends is read and dropped, so that its stream can close.
    this.#stream.resume();
  }

  #respond(): void {
    if (!this.#stream.headersSent) this.#stream.respond(HEADERS, { waitForTrailers: true });
  }
}

const HEADERS = { ":status": 200, "content-type": "application/grpc+proto" };

function readUrl(
  header: string | string[] | undefined,
  ownEnvironment: string | undefined,
): LeverUrl {
  if (typeof header !== "string") throw malformed("it has no metadata lever-url");
  const url = parseLeverUrl(header);
  const environment = url.environment === "" ? ownEnvironment : url.environment;
  if (environment === undefined) throw malformed("its lever-url names no environment");
  // The port in it was for connecting.
  return { ...url, environment: environment.replace(/:\d+$/, "") };
}

const UNIT_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

/** The deadline that grpc-timeout asks for (grpc/doc/PROTOCOL-HTTP2.md), in milliseconds; 0 = it asks for none. */
function readAskedMs(header: string | string[] | undefined): number {
  if (header === undefined) return 0;
  const [, digits, unit = ""] = /^(\d{1,8})([HMSmun])$/.exec(String(header)) ?? [];
  if (digits === undefined) throw malformed("its grpc-timeout is malformed");
  return Math.max(1, Math.ceil(Number(digits) * (UNIT_MS[unit] ?? 1)));
}

function asLeverError(error: unknown): LeverError {
  if (error instanceof LeverError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return malformed(`a message is malformed (${reason})`);
}

function malformed(reason: string): LeverError {
  return new LeverError("malformed_request", `Cannot read the gRPC call: ${reason}.`);
}

function callerLeft(): LeverError {
  return new LeverError("cancelled", "The caller left.");
}
