import {
  type Assignment,
  type CallRequest,
  formatLeverUrl,
  formatTraceparent,
  TraceIds,
} from "@leveros/protocol";
import { STREAMING_PATH, UNARY_PATH } from "../grpc/grpc-call.ts";
import { encodeHeader, encodeName, HeaderBlock } from "../http2/header-block.ts";

/**
 * Most bytes of a call's URL. Servers of gRPC accept 8 KiB of metadata unless they are told otherwise, and everything else
 * that Lever sends is below 1 KiB. Beyond that, some end the connection with all its calls, also those of other callers.
 */
export const URL_BYTES_MAX: number = 7 * 1024;
const BLOCK_BYTES_MAX = 16 * 1024;
const URLS_MAX = 256;
/** The largest time that gRPC can express in milliseconds. */
const TIMEOUT_MS_MAX = 99_999_999;

const LEVER_URL = encodeName("lever-url");
const EPOCH = encodeName("x-lever-resource-epoch");
const SOURCE = encodeName("x-lever-src-env");
const TIMEOUT = encodeName("grpc-timeout");
const TRACEPARENT = encodeName("traceparent");

/** Encodes the headers of calls to one program. */
export class RequestHeaders {
  readonly #assignment: Assignment;
  readonly #unary: Buffer;
  readonly #streaming: Buffer;
  /** By method, without a resource. */
  readonly #urls = new Map<string, string>();
  readonly #ids: TraceIds;
  readonly #block = new HeaderBlock(BLOCK_BYTES_MAX);

  constructor(options: { port: number; gateway: string; assignment: Assignment }) {
    const { port, gateway, assignment } = options;
    this.#assignment = assignment;
    this.#ids = new TraceIds(assignment.tracePrefix);
    const common = (path: string): Buffer =>
      Buffer.concat([
        encodeHeader(":method", "POST"),
        encodeHeader(":scheme", "http"),
        encodeHeader(":path", path),
        encodeHeader(":authority", `127.0.0.1:${port}`),
        encodeHeader("content-type", "application/grpc+proto"),
        encodeHeader("te", "trailers"),
        encodeHeader("x-lever-internal-rpc-gateway", gateway),
      ]);
    this.#unary = common(UNARY_PATH);
    this.#streaming = common(STREAMING_PATH);
  }

  /** The header block of a call, valid until the next one; the length of its URL when that is too long. */
  encode(request: CallRequest, epoch: number | undefined): Buffer | number {
    const { caller, timeoutMs, isStream } = request;
    const { resource, method } = request.target;
    const url = resource === "" ? this.#urlOf(method) : this.#format(resource, method);
    if (url.length > URL_BYTES_MAX) return url.length;
    const block = this.#block.begin(isStream ? this.#streaming : this.#unary);
    block.add(LEVER_URL, url);
    if (epoch !== undefined) block.add(EPOCH, String(epoch));
    if (caller.kind === "service") block.add(SOURCE, caller.environment);
    const { number = 0, root = number, trace } = request;
    const traceId = trace?.traceId ?? this.#ids.traceId(root);
    const context = { traceId, spanId: this.#ids.spanId(number) };
    block.add(TRACEPARENT, formatTraceparent(context, request.isSampled === true));
    if (timeoutMs > 0) {
      block.add(TIMEOUT, `${Math.min(Math.ceil(timeoutMs), TIMEOUT_MS_MAX)}m`);
    }
    return block.bytes;
  }

  #urlOf(method: string): string {
    let url = this.#urls.get(method);
    if (url === undefined) {
      url = this.#format("", method);
      if (this.#urls.size === URLS_MAX) this.#urls.clear();
      this.#urls.set(method, url);
    }
    return url;
  }

  #format(resource: string, method: string): string {
    const { environment, service } = this.#assignment;
    return formatLeverUrl({ environment, service, resource, method });
  }
}
