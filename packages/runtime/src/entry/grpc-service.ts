import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from "node:http2";
import {
  type Assignment,
  type CallHandle,
  type CallListener,
  type CallRequest,
  closedSide,
  decodeArguments,
  encodeJson,
  formatLeverUrl,
  hookRequest,
  ignoredEvents,
  isReservedName,
  LeverError,
  PAYLOAD_JSON,
} from "@leveros/protocol";
import { ENCODING_BYTES, STREAMING_PATH, UNARY_PATH } from "../grpc/grpc-call.ts";
import { frameMessage, MessageReader } from "../grpc/message-reader.ts";
import {
  decodeReply,
  decodeStreamMessage,
  encodeRpc,
  encodeStreamMessage,
} from "../grpc/rpc-messages.ts";

/** How long a call whose connection broke waits for the program's exit, which says more. */
const EXIT_GRACE_MS = 300;

/** Passes calls on to a program that serves the gRPC wire on a local port. */
export class GrpcService {
  readonly #options: { port: number; gateway: string; assignment: Assignment; onIdle: () => void };
  #session: ClientHttp2Session | undefined;
  #callsInFlight = 0;
  /** Of the resources that the program has. */
  readonly #epochs = new Map<string, number>();

  constructor(options: {
    port: number;
    gateway: string;
    assignment: Assignment;
    onIdle: () => void;
  }) {
    this.#options = options;
  }

  get callsInFlight(): number {
    return this.#callsInFlight;
  }

  onCall(request: CallRequest, side: CallHandle): CallListener {
    return isReservedName(request.target.method)
      ? this.#passHook(request, side)
      : this.#pass(request, side);
  }

  /** Gives every resource back, when the instance is leaving by itself. */
  async closeResources(): Promise<void> {
    const closing = [...this.#epochs.keys()].map(
      (resource) =>
        new Promise<void>((resolve) => {
          const request = hookRequest("closeResource", { resource, epoch: 0, timeoutMs: 0 });
          const done = (): boolean => {
            resolve();
            return true;
          };
          const side = { ...closedSide, send: done, end: done, fail: done, abort: done };
          this.#passHook(request, side);
        }),
    );
    await Promise.all(closing);
  }

  /** The hooks are regular calls to a program: `NewResource(resource)` and `CloseResource(resource)`. */
  #passHook(request: CallRequest, side: CallHandle): CallListener {
    const { resource } = request.target;
    const args = decodeArguments(request.kind, request.body);
    const isNew = request.target.method === "newResource";
    const epoch = typeof args === "string" ? undefined : args[1];
    if (isNew) this.#epochs.set(resource, typeof epoch === "number" ? epoch : 0);
    else this.#epochs.delete(resource);
    const call: CallRequest = {
      ...request,
      target: {
        ...request.target,
        resource: "",
        method: isNew ? "NewResource" : "CloseResource",
      },
      body: encodeJson([resource]),
    };
    return this.#pass(call, {
      ...boundTo(side),
      abort: (error) => {
        // A program without the hook has nothing to do for a resource.
        if (error.code === "unknown_method") side.send(PAYLOAD_JSON, encodeJson(null), true);
        else side.abort(error);
      },
    });
  }

  #pass(request: CallRequest, side: CallHandle): CallListener {
    const args = decodeArguments(request.kind, request.body);
    if (typeof args === "string") {
      side.abort(
        new LeverError("malformed_request", `Cannot call ${request.target.method}: ${args}.`),
      );
      return ignoredEvents;
    }
    let message: Uint8Array;
    try {
      const payload = { kind: request.kind, bytes: request.body };
      message = request.isStream
        ? encodeStreamMessage({ type: "rpc", payload })
        : encodeRpc(payload);
    } catch (error) {
      side.abort(asMalformed(error));
      return ignoredEvents;
    }
    const stream = this.#connect().request(this.#headers(request));
    this.#callsInFlight++;
    stream.once("close", () => {
      this.#callsInFlight--;
      if (this.#callsInFlight === 0) this.#options.onIdle();
    });
    const bytesMax = this.#options.assignment.bodyBytesMax + ENCODING_BYTES;
    const call = new OutgoingCall(stream, side, { isStream: request.isStream, bytesMax });
    call.write(message);
    if (!request.isStream) stream.end();
    return call;
  }

  close(): void {
    this.#session?.destroy();
  }

  #connect(): ClientHttp2Session {
    if (this.#session !== undefined && !this.#session.closed && !this.#session.destroyed) {
      return this.#session;
    }
    const session = connect(`http://127.0.0.1:${this.#options.port}`);
    session.on("error", () => {});
    // Calls hear of it by their own streams.
    session.on("goaway", () => session.close());
    this.#session = session;
    return session;
  }

  #headers(request: CallRequest): OutgoingHttpHeaders {
    const { assignment, gateway } = this.#options;
    const { environment, service } = assignment;
    const { caller, timeoutMs } = request;
    const { resource, method } = request.target;
    const epoch = this.#epochs.get(resource);
    return {
      ":method": "POST",
      ":path": request.isStream ? STREAMING_PATH : UNARY_PATH,
      "content-type": "application/grpc+proto",
      te: "trailers",
      "lever-url": formatLeverUrl({ environment, service, resource, method }),
      "x-lever-internal-rpc-gateway": gateway,
      ...(epoch !== undefined && { "x-lever-resource-epoch": String(epoch) }),
      ...(caller.kind === "service" && { "x-lever-src-env": caller.environment }),
      ...(timeoutMs > 0 && { "grpc-timeout": `${Math.min(Math.ceil(timeoutMs), 99_999_999)}m` }),
    };
  }
}

/** One call on its way to the program: what the caller sends goes in, what the program answers goes to `side`. */
class OutgoingCall implements CallListener {
  readonly #stream: ClientHttp2Stream;
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
    this.#side = side;
    this.#isStream = options.isStream;
    const reader = new MessageReader(options.bytesMax);
    stream.on("error", () => {});
    stream.on("response", (headers) => {
      this.#status = headers;
    });
    stream.on("trailers", (trailers) => {
      this.#status = trailers;
    });
    stream.on("data", (chunk: Buffer) => {
      if (this.#isOver) return;
      try {
        for (const message of reader.push(chunk)) this.#receive(message);
      } catch (error) {
        this.#finish();
        side.abort(error instanceof LeverError ? error : broken(String(error)));
        stream.close(constants.NGHTTP2_CANCEL);
      }
    });
    stream.on("drain", () => side.resume());
    stream.on("end", () => {
      // The program is done with the call, whether or not its caller has half-closed.
      if (this.#status["grpc-status"] !== undefined) this.#closed();
      stream.end();
    });
    stream.on("close", () => this.#closed());
  }

  write(message: Uint8Array): boolean {
    return this.#stream.destroyed || this.#stream.write(frameMessage(message));
  }

  onMessage(kind: CallRequest["kind"], bytes: Uint8Array): void {
    if (this.#isOver || !this.#isStream) return;
    try {
      const message = encodeStreamMessage({ type: "message", payload: { kind, bytes } });
      if (!this.write(message)) this.#side.pause();
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
        // The first message of a stream, which only says that it is open.
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
      this.#side.abort(statusError(Number(status), this.#status["grpc-message"]));
    } else {
      setTimeout(() => {
        if (this.#isOver) return;
        this.#finish();
        this.#side.abort(broken("its connection broke"));
      }, EXIT_GRACE_MS);
    }
  }

  #finish(): void {
    this.#isOver = true;
  }
}

/** A side's methods, to be used without it. */
function boundTo(side: CallHandle): CallHandle {
  return {
    send: (kind, bytes, isLast) => side.send(kind, bytes, isLast),
    end: () => side.end(),
    fail: (kind, bytes) => side.fail(kind, bytes),
    abort: (error) => side.abort(error),
    pause: () => side.pause(),
    resume: () => side.resume(),
  };
}

/** What the program's own gRPC status means to the caller. */
function statusError(status: number, message: string | string[] | undefined): LeverError {
  const text = decodeMessage(String(message ?? ""));
  switch (status) {
    case 1:
      return new LeverError("cancelled", text || "The service cancelled the call.");
    case 3:
      return new LeverError("malformed_request", text || "The service cannot read the call.");
    case 4:
      return new LeverError("deadline_exceeded", text || "The call's time is over.");
    case 8:
      return new LeverError("overloaded", text || "The service is overloaded.");
    case 12:
      return new LeverError("unknown_method", text || "The service has no such method.");
    default:
      return broken(`it answered with gRPC status ${status}${text === "" ? "" : `: ${text}`}`);
  }
}

function decodeMessage(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function broken(reason: string): LeverError {
  return new LeverError("instance_failed", `The service's program failed the call: ${reason}.`);
}

function asMalformed(error: unknown): LeverError {
  if (error instanceof LeverError) return error;
  return new LeverError("malformed_request", `Cannot pass the message on: ${String(error)}.`);
}
