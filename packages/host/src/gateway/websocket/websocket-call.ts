import type { Duplex } from "node:stream";
import {
  type CallHandle,
  type CallListener,
  LeverError,
  PAYLOAD_BYTES,
  PAYLOAD_JSON,
  type PayloadKind,
} from "@leveros/protocol";
import type { RawData, WebSocket } from "ws";
import type { AdmittedCall } from "../admission/admit-call.ts";
import type { DoorOptions } from "../door-options.ts";
import { bodyTooSlow } from "../http/regular-call.ts";
import { BatchedReads } from "./batched-reads.ts";
import { MessageWriter } from "./message-writer.ts";

/** Bytes on their way to a caller before the method is told to wait. */
const BUFFERED_BYTES_MAX = 256 * 1024;
/** On the subprotocol: credit that each direction starts with, and the steps in which it is given back, in bytes. */
const WINDOW_BYTES = 256 * 1024;
const CREDIT_STEP_BYTES = WINDOW_BYTES / 4;

/** What Lever's own client asks for. */
export const SUBPROTOCOL = "lever";
const PLUS = 0x2b;

/** Close codes (RFC 6455, 7.4: 4000 and up are the application's). */
const CLOSE_DONE = 1000;
const CLOSE_METHOD_FAILED = 4000;
/** Lever's own errors: 4000 + the HTTP status that the same error has there. */
const closeCode = (error: LeverError): number => 4000 + error.toProblem().status;
/** RFC 6455, 5.5: a close frame holds 125 bytes, two of which are the code. */
const REASON_BYTES_MAX = 123;

/**
 * Carries one streaming call over a WebSocket: the caller's first message is the JSON array of arguments (or bytes, as
 * the one argument); text is JSON and binary is bytes, both ways. An empty text, which is no JSON, half-closes. The
 * socket closes with 1000 when the stream ends, with 4000 when the method failed, with 4000 + HTTP status when Lever
 * did.
 *
 * On the subprotocol `lever` the error itself comes first: `!` and `{"error": …}` or `{"problem": …}`. And since pages
 * cannot stop a socket from receiving, `+` and a number grants the other side that many bytes more to send.
 */
export function serveWebSocketCall(
  socket: WebSocket,
  options: DoorOptions & { readonly connection: Duplex; readonly admitted: AdmittedCall },
): void {
  const { connection, admitted, router, limits } = options;
  const reply = new WebSocketReply(socket, connection);
  let call: CallHandle | undefined;
  const timer = setTimeout(
    () => reply.onAbort(bodyTooSlow(limits.requestTimeoutMs)),
    limits.requestTimeoutMs,
  );

  const open = (kind: PayloadKind, body: Uint8Array): void => {
    clearTimeout(timer);
    call = router.call({ ...admitted, kind, body, hasMore: true }, reply);
    reply.call = call;
  };

  socket.on("message", (data: RawData, isBinary: boolean) => {
    if (reply.isOver) return;
    const bytes = wholeMessage(data);
    const kind = isBinary ? PAYLOAD_BYTES : PAYLOAD_JSON;
    if (call === undefined) open(kind, bytes);
    else if (!isBinary && bytes.length === 0) call.end();
    else if (!isBinary && reply.hasCredit && bytes[0] === PLUS) reply.addCredit(bytes);
    else reply.received(bytes.length, call.send(kind, bytes));
  });
  socket.on("error", (error) => {
    // What the protocol forbids closes the socket with a code of its own.
    call?.abort(new LeverError("malformed_request", `The WebSocket broke: ${error.message}.`));
    reply.isOver = true;
  });
  socket.on("close", () => {
    clearTimeout(timer);
    if (!reply.isOver) call?.abort(new LeverError("cancelled", "The caller left."));
    reply.isOver = true;
  });
}

/** Tells an open socket why there will be no call, and closes it. */
export function refuseWebSocket(socket: WebSocket, connection: Duplex, error: LeverError): void {
  socket.on("error", () => {});
  new WebSocketReply(socket, connection).onAbort(error);
}

class WebSocketReply implements CallListener {
  readonly #socket: WebSocket;
  call: CallHandle | undefined;
  isOver = false;
  /** The caller speaks the subprotocol. */
  readonly hasCredit: boolean;
  #isPaused = false;
  #creditBytes = WINDOW_BYTES;
  /** Taken by the method, and not yet given back to the caller. */
  #owedBytes = 0;
  readonly #writer: MessageWriter;
  readonly #reading: BatchedReads;

  constructor(socket: WebSocket, connection: Duplex) {
    this.#socket = socket;
    this.#writer = new MessageWriter(connection);
    this.#reading = new BatchedReads(connection);
    connection.on("drain", () => this.#resume());
    this.hasCredit = socket.protocol === SUBPROTOCOL;
  }

  /** The caller has taken what it was sent. */
  addCredit(text: Uint8Array): void {
    const bytes = Number(Buffer.from(text.subarray(1)).toString());
    if (!Number.isSafeInteger(bytes) || bytes < 0) {
      const error = new LeverError("malformed_request", "Cannot read the credit: it is no number.");
      this.call?.abort(error);
      this.onAbort(error);
      return;
    }
    this.#creditBytes += bytes;
    this.#resume();
  }

  /** A message of the caller was passed on; `isTaken` = false means that the method has to catch up first. */
  received(bytes: number, isTaken: boolean): void {
    this.#owedBytes += bytes;
    this.#reading.onForwarded(bytes);
    if (isTaken) this.#giveBack();
    else this.#socket.pause();
  }

  onMessage(kind: PayloadKind, bytes: Uint8Array): void {
    if (this.isOver) return;
    this.#writer.write(kind, bytes);
    this.#reading.onReply();
    if (this.hasCredit) this.#creditBytes -= bytes.length;
    if (!this.#hasRoom && !this.#isPaused) {
      this.#isPaused = true;
      this.call?.pause();
    }
  }

  onEnd(): void {
    this.#close(CLOSE_DONE, "");
  }

  onFail(kind: PayloadKind, bytes: Uint8Array): void {
    const held = Buffer.from(bytes);
    const value =
      kind === PAYLOAD_JSON ? `{"error":${held}}` : `{"bytesError":"${held.toString("base64")}"}`;
    this.#tell(value);
    this.#close(CLOSE_METHOD_FAILED, kind === PAYLOAD_JSON ? held.toString() : "");
  }

  onAbort(error: LeverError): void {
    const { retryAfterSeconds } = error;
    this.#tell(JSON.stringify({ problem: { ...error.toProblem(), retryAfterSeconds } }));
    this.#close(closeCode(error), error.message);
  }

  onDrain(): void {
    this.#giveBack();
    this.#socket.resume();
  }

  get #hasRoom(): boolean {
    return this.#creditBytes > 0 && this.#writer.bufferedBytes <= BUFFERED_BYTES_MAX;
  }

  #resume(): void {
    if (!this.#isPaused || !this.#hasRoom) return;
    this.#isPaused = false;
    this.call?.resume();
  }

  #giveBack(): void {
    if (!this.hasCredit || this.#owedBytes < CREDIT_STEP_BYTES || this.isOver) return;
    this.#writer.flush();
    this.#socket.send(`+${this.#owedBytes}`);
    this.#owedBytes = 0;
  }

  #tell(text: string): void {
    if (this.isOver || !this.hasCredit) return;
    this.#writer.flush();
    this.#socket.send(`!${text}`);
  }

  #close(code: number, reason: string): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#reading.resume();
    this.#writer.flush();
    this.#socket.resume();
    this.#socket.close(code, cut(reason));
  }
}

/** The beginning of a text that fits a close frame, without half a character at its end. */
function cut(reason: string): string {
  const bytes = Buffer.from(reason);
  if (bytes.length <= REASON_BYTES_MAX) return reason;
  return bytes
    .subarray(0, REASON_BYTES_MAX)
    .toString("utf8")
    .replace(/\uFFFD+$/, "");
}

function wholeMessage(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}
