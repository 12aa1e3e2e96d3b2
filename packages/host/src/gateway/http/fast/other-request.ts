import { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { serveHttp } from "../door.ts";
import type { FastOptions } from "./fast-options.ts";
import { HEAD_END, type OtherHead, parseOtherHead } from "./plain-head.ts";

/** A request that is no plain call, and has arrived whole, such as a page's preflight. */
export interface OtherRequest {
  readonly head: OtherHead;
  readonly body: Buffer;
  /** The length of its head and body. */
  readonly bytes: number;
}

/** Reads such a request at the beginning of these bytes; undefined = it is for Node's server to read. */
export function readOtherRequest(
  unread: Buffer,
  { headerBytesMax, bodyBytesMax }: FastOptions["limits"],
): OtherRequest | undefined {
  const headBytes = unread.indexOf(HEAD_END) + HEAD_END.length;
  if (headBytes < HEAD_END.length || headBytes > headerBytesMax) return undefined;
  const head = parseOtherHead(unread.toString("latin1", 0, headBytes));
  if (head === undefined || head.bodyBytes > bodyBytesMax) return undefined;
  const bytes = headBytes + head.bodyBytes;
  if (unread.length < bytes) return undefined;
  return { head, body: unread.subarray(headBytes, bytes), bytes };
}

/** The state of a connection with such a request: Node's classes carry it, and the connection stays. */
export class OtherExchange {
  readonly phase = "other";
  readonly #socket: Socket;
  readonly #options: FastOptions;
  #response: ServerResponse | undefined;

  constructor(socket: Socket, options: FastOptions) {
    this.#socket = socket;
    this.#options = options;
  }

  /** `done` is called once the response is sent; with true, the connection is to be closed. */
  serve({ head, body }: OtherRequest, done: (isLast: boolean) => void): void {
    const request = incomingMessage(this.#socket, head);
    request.complete = true;
    if (body.length > 0) request.push(body);
    request.push(null);
    const response = openResponse(request, head.isLast, this.#options);
    this.#response = response;
    response.on("finish", () => done(!response.shouldKeepAlive || this.#options.shared.isClosing));
    serveHttp(request, response, this.#options);
  }

  /** The connection has sent what it has buffered. */
  onDrain(): void {
    if (this.#response?.writableNeedDrain === true) this.#response.emit("drain");
  }
}

/** The head of a request as Node's classes have it. */
export function incomingMessage(
  socket: Socket,
  { method, url, headers }: Pick<OtherHead, "method" | "url" | "headers">,
): IncomingMessage {
  const request = new IncomingMessage(socket);
  request.method = method;
  request.url = url;
  request.headers = headers;
  request.httpVersion = "1.1";
  request.httpVersionMajor = 1;
  request.httpVersionMinor = 1;
  return request;
}

/** Opens a response of Node on the connection of the request. It leaves the connection when it is sent. */
export function openResponse(
  request: IncomingMessage,
  isLast: boolean,
  { shared, limits }: Pick<FastOptions, "shared" | "limits">,
): ServerResponse {
  const { socket } = request;
  const response = new ServerResponse(request);
  response.shouldKeepAlive = !isLast && !shared.isClosing;
  if (response.shouldKeepAlive) {
    const seconds = Math.floor(limits.idleConnectionTimeoutMs / 1_000);
    response.setHeader("keep-alive", `timeout=${seconds}`);
  }
  response.assignSocket(socket);
  response.on("finish", () => {
    response.detachSocket(socket);
    // Node's server does the same with a response that is sent.
    response.destroy();
    response.emit("close");
  });
  return response;
}
