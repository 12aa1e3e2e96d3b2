import {
  type Assignment,
  type CallHandle,
  type CallListener,
  type CallRequest,
  closedSide,
  decodeArguments,
  encodeJson,
  hookRequest,
  ignoredEvents,
  isReservedName,
  LeverError,
  PAYLOAD_JSON,
} from "@leveros/protocol";
import { ENCODING_BYTES } from "../grpc/message-stream.ts";
import { encodeRpc, encodeStreamMessage } from "../grpc/rpc-messages.ts";
import { Http2Connection } from "../http2/client-connection.ts";
import { ProgramCall } from "./program-call.ts";
import { asMalformed, isUnknownMethod, programFailed } from "./program-error.ts";
import { RequestHeaders, URL_BYTES_MAX } from "./request-headers.ts";

/**
 * After so many cancelled calls, new calls use a new connection. HTTP/2 servers end a connection with too many of them
 * (CVE-2023-44487): Node's after 1,000, Netty's after 200 in 30 s. The calls of other callers would end with it.
 */
const CANCELLED_CALLS_MAX = 100;

export interface GrpcServiceOptions {
  readonly port: number;
  readonly gateway: string;
  readonly assignment: Assignment;
  readonly onIdle: () => void;
}

/** Forwards calls to a program that serves gRPC on a local port. */
export class GrpcService {
  readonly #options: GrpcServiceOptions;
  readonly #headers: RequestHeaders;
  #connection: Http2Connection | undefined;
  /** Calls of the connection that were cancelled. */
  #cancelledCalls = 0;
  #callsInFlight = 0;
  /** Epochs of the resources that the program owns. */
  readonly #epochs = new Map<string, number>();

  constructor(options: GrpcServiceOptions) {
    this.#options = options;
    this.#headers = new RequestHeaders(options);
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
    const { resource } = request.target;
    const block = this.#headers.encode(request, this.#epochs.get(resource));
    if (typeof block === "number") {
      const reason = `its URL has ${block} bytes, and a program can receive ${URL_BYTES_MAX}`;
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
      message = request.isStream ? encodeStreamMessage({ type: "rpc", payload }) : encodeRpc(args);
    } catch (error) {
      side.abort(asMalformed(error));
      return ignoredEvents;
    }
    const { isStream } = request;
    const connection = this.#connect();
    this.#callsInFlight++;
    const call = new ProgramCall(side, {
      isStream,
      bytesMax: this.#options.assignment.bodyBytesMax + ENCODING_BYTES,
      onOver: (wasCancelled) => this.#onOver(connection, wasCancelled),
    });
    call.begin(connection.request(block, call), message);
    return call;
  }

  close(): void {
    this.#connection?.destroy();
  }

  #onOver(connection: Http2Connection, wasCancelled: boolean): void {
    if (wasCancelled && connection === this.#connection) {
      this.#cancelledCalls++;
      // Its open calls go on.
      if (this.#cancelledCalls === CANCELLED_CALLS_MAX) connection.retire();
    }
    this.#callsInFlight--;
    if (this.#callsInFlight === 0) this.#options.onIdle();
  }

  #connect(): Http2Connection {
    if (this.#connection?.isOpen === true) return this.#connection;
    this.#connection = new Http2Connection(this.#options.port);
    this.#cancelledCalls = 0;
    return this.#connection;
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
