import { type ClientHttp2Session, connect, constants, type OutgoingHttpHeaders } from "node:http2";
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
import { encodeRpc, encodeStreamMessage } from "../grpc/rpc-messages.ts";
import { ProgramCall } from "./program-call.ts";
import { asMalformed, isUnknownMethod, programFailed } from "./program-error.ts";

/**
 * Most bytes of a call's URL. Servers of gRPC accept 8 KiB of metadata unless they are told otherwise, and everything else
 * that Lever sends is below 1 KiB. Beyond that, some end the connection with all its calls, also those of other callers.
 */
const URL_BYTES_MAX = 7 * 1024;
/**
 * After so many cancelled calls, new calls use a new connection. HTTP/2 servers end a connection with too many of them
 * (CVE-2023-44487): Node's after 1,000, Netty's after 200 in 30 s. The calls of other callers would end with it.
 */
const CANCELLED_CALLS_MAX = 100;

/** Forwards calls to a program that serves gRPC on a local port. */
export class GrpcService {
  readonly #options: { port: number; gateway: string; assignment: Assignment; onIdle: () => void };
  #session: ClientHttp2Session | undefined;
  /** Calls of the session that were cancelled. */
  #cancelledCalls = 0;
  #callsInFlight = 0;
  /** Epochs of the resources that the program owns. */
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
      ? this.#forwardHook(request, side)
      : this.#forward(request, side);
  }

  /** Closes every resource, when the instance exits without an order of the host. */
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
          this.#forwardHook(request, side);
        }),
    );
    await Promise.all(closing);
  }

  /**
   * The hooks are regular calls to a program: `NewResource(resource)` and `CloseResource(resource)`. They have no deadline
   * of gRPC: a library that answers it in the program's name would end the hook while the program still works on it.
   */
  #forwardHook(request: CallRequest, side: CallHandle): CallListener {
    const { resource } = request.target;
    const args = decodeArguments(request.kind, request.body);
    const isNew = request.target.method === "newResource";
    const epoch = typeof args === "string" ? undefined : args[1];
    if (isNew) this.#epochs.set(resource, typeof epoch === "number" ? epoch : 0);
    else this.#epochs.delete(resource);
    const call: CallRequest = {
      ...request,
      timeoutMs: 0,
      target: {
        ...request.target,
        resource: "",
        method: isNew ? "NewResource" : "CloseResource",
      },
      body: encodeJson([resource]),
    };
    return this.#forward(call, {
      ...boundTo(side),
      fail: (kind, bytes) => {
        this.#epochs.delete(resource);
        side.fail(kind, bytes);
      },
      abort: (error) => {
        // A program without the hook has nothing to do for a resource.
        if (isUnknownMethod(error)) {
          side.send(PAYLOAD_JSON, encodeJson(null), true);
          return;
        }
        this.#epochs.delete(resource);
        side.abort(asHookAnswer(error));
      },
    });
  }

  #forward(request: CallRequest, side: CallHandle): CallListener {
    const args = decodeArguments(request.kind, request.body);
    if (typeof args === "string") {
      side.abort(
        new LeverError("malformed_request", `Cannot call ${request.target.method}: ${args}.`),
      );
      return ignoredEvents;
    }
    const headers = this.#headers(request);
    const urlBytes = headers["lever-url"].length;
    if (urlBytes > URL_BYTES_MAX) {
      const reason = `its URL has ${urlBytes} bytes, and a program can receive ${URL_BYTES_MAX}`;
      side.abort(
        new LeverError(
          "headers_too_large",
          `Cannot call ${request.target.method}: ${reason}. Name a shorter resource.`,
        ),
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
    const session = this.#connect();
    const stream = session.request(headers);
    this.#callsInFlight++;
    stream.once("close", () => {
      if (session === this.#session && stream.rstCode === constants.NGHTTP2_CANCEL) {
        this.#cancelledCalls++;
        // Its open calls go on.
        if (this.#cancelledCalls === CANCELLED_CALLS_MAX) session.close();
      }
      this.#callsInFlight--;
      if (this.#callsInFlight === 0) this.#options.onIdle();
    });
    const bytesMax = this.#options.assignment.bodyBytesMax + ENCODING_BYTES;
    const call = new ProgramCall(stream, side, { isStream: request.isStream, bytesMax });
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
    // The streams of open calls report errors themselves.
    session.on("goaway", () => session.close());
    this.#session = session;
    this.#cancelledCalls = 0;
    return session;
  }

  #headers(request: CallRequest): OutgoingHttpHeaders & { readonly "lever-url": string } {
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

/** Every error but a broken connection is the program's answer to a hook, also one that Lever cannot read. */
function asHookAnswer(error: LeverError): LeverError {
  const isAnswer = error.grpcStatus !== undefined || error.code === "instance_failed";
  return isAnswer ? error : programFailed(error.message);
}

/** An object with the methods of a handle, to override some of them. */
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
