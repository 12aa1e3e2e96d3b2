import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { LeverError } from "@leveros/protocol";
import { serveHttp } from "../door.ts";
import type { FastOptions } from "./fast-options.ts";
import { incomingMessage, openResponse } from "./other-request.ts";
import { HEAD_END, parseStreamedHead, type StreamedHead } from "./plain-head.ts";
import { StreamedBody } from "./streamed-body.ts";
import { StreamedRequest } from "./streamed-request.ts";

/** Larger messages would cross the link in several frames. */
const PIECE_BYTES = 64 * 1024;

interface UploadHead {
  readonly head: StreamedHead;
  /** The length of the head. */
  readonly bytes: number;
}

/**
 * Reads the head of a request to a streaming method at the beginning of these bytes; undefined = it is none, its body is there
 * already, or Node's server reads it.
 */
export function readUploadHead(
  unread: Buffer,
  { headerBytesMax }: FastOptions["limits"],
): UploadHead | undefined {
  const bytes = unread.indexOf(HEAD_END) + HEAD_END.length;
  if (bytes < HEAD_END.length || bytes > headerBytesMax) return undefined;
  const head = parseStreamedHead(unread.toString("latin1", 0, bytes));
  if (head === undefined || unread.length - bytes >= (head.bodyBytes ?? Number.POSITIVE_INFINITY)) {
    return undefined;
  }
  return { head, bytes };
}

/** How the connection goes on after a request: with the next one, or not, or not even with the rest of this one. */
export type AfterUpload = "open" | "last" | "broken";

/**
 * The state of a connection with a request to a streaming method. Its body is passed on as it arrives, and its response is one of
 * Node's.
 */
export class UploadExchange {
  readonly phase = "upload";
  readonly #options: FastOptions;
  readonly #request: StreamedRequest;
  readonly #response: ServerResponse;
  readonly #body: StreamedBody;
  readonly #done: (after: AfterUpload) => void;
  #isAnswered = false;
  /** The memory of what was read last must not be overwritten. */
  isKept = false;

  /** `done` is called once the request is read and the response is sent. */
  constructor(
    socket: Socket,
    head: StreamedHead,
    options: FastOptions,
    done: (after: AfterUpload) => void,
  ) {
    this.#options = options;
    this.#done = done;
    this.#request = new StreamedRequest(socket, head);
    this.#body = new StreamedBody({
      bytes: head.bodyBytes,
      lineBytesMax: options.limits.headerBytesMax,
    });
    this.#response = openResponse(incomingMessage(socket, head), head.isLast, options);
    this.#response.on("finish", () => {
      this.#isAnswered = true;
      this.#settle();
    });
  }

  serve(): void {
    serveHttp(this.#request, this.#response, this.#options);
  }

  /** The body goes on. */
  get isReading(): boolean {
    return !this.#body.isComplete && !this.#body.isMalformed;
  }

  /** Passes on what arrives. Returns how many of the bytes belong to the request. */
  read(bytes: Buffer): number {
    const body = this.#body;
    const taken = body.read(bytes);
    const { content } = body;
    this.isKept = false;
    for (let at = 0; at < content.length; at += PIECE_BYTES) {
      const piece = content.subarray(at, at + PIECE_BYTES);
      if (this.#request.pass(piece)) this.isKept = true;
    }
    if (body.isMalformed) this.#refuse();
    else if (body.isComplete) {
      this.#request.end();
      this.#settle();
    }
    return taken;
  }

  /** The connection has sent what it has buffered. */
  onDrain(): void {
    if (this.#response.writableNeedDrain) this.#response.emit("drain");
  }

  /** The connection is closed. */
  onClose(): void {
    if (!this.#request.complete)
      this.#request.fail(new Error("Cannot read the request: its connection is closed."));
  }

  /** Nothing is written into a response that has begun (H2). */
  #refuse(): void {
    const response = this.#response;
    if (response.headersSent || this.#isAnswered || this.#request.listenerCount("error") === 0) {
      this.#request.destroy();
      return;
    }
    response.shouldKeepAlive = false;
    const reason = "Cannot read the request: it is not HTTP (a chunk of its body is malformed).";
    this.#request.fail(new LeverError("malformed_request", reason));
  }

  #settle(): void {
    if (!this.#isAnswered || this.isReading) return;
    const { shouldKeepAlive } = this.#response;
    if (this.#body.isMalformed) this.#done("broken");
    else this.#done(shouldKeepAlive && !this.#options.shared.isClosing ? "open" : "last");
  }
}
