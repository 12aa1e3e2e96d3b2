import {
  type CallEvents,
  type CallSide,
  LeverError,
  type LeverUrl,
  type Limits,
  PAYLOAD_BYTES,
  PAYLOAD_JSON,
  type PayloadKind,
} from "@leveros/protocol";
import type { RawData, WebSocket } from "ws";
import { OUTSIDE, type Router } from "../../router/router.ts";
import { bodyTooSlow } from "../http/regular-call.ts";

/** Bytes on their way to a caller before the method is told to wait. */
const BUFFERED_BYTES_MAX = 256 * 1024;

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
 * did. On the subprotocol `lever` the error itself comes first: `!` and `{"error": …}` or `{"problem": …}`.
 */
export function serveWebSocketCall(
  socket: WebSocket,
  url: LeverUrl,
  options: { router: Router; limits: Limits },
): void {
  const { router, limits } = options;
  const reply = new WebSocketReply(socket);
  let call: CallSide | undefined;
  const timer = setTimeout(
    () => reply.onAbort(bodyTooSlow(limits.requestTimeoutMs)),
    limits.requestTimeoutMs,
  );

  const open = (kind: PayloadKind, body: Uint8Array): void => {
    clearTimeout(timer);
    const start = { url, caller: OUTSIDE, isStream: true, timeoutMs: 0 };
    call = router.call({ ...start, kind, body, hasMore: true }, reply);
    reply.call = call;
  };

  socket.on("message", (data: RawData, isBinary: boolean) => {
    if (reply.isOver) return;
    const bytes = wholeMessage(data);
    const kind = isBinary ? PAYLOAD_BYTES : PAYLOAD_JSON;
    if (call === undefined) open(kind, bytes);
    else if (!isBinary && bytes.length === 0) call.end();
    else if (!call.send(kind, bytes)) socket.pause();
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

class WebSocketReply implements CallEvents {
  readonly #socket: WebSocket;
  call: CallSide | undefined;
  isOver = false;
  #isPaused = false;

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  onMessage(kind: PayloadKind, bytes: Uint8Array): void {
    if (this.isOver) return;
    const socket = this.#socket;
    socket.send(bytes, { binary: kind === PAYLOAD_BYTES }, () => {
      if (!this.#isPaused || socket.bufferedAmount > BUFFERED_BYTES_MAX / 2) return;
      this.#isPaused = false;
      this.call?.resume();
    });
    if (socket.bufferedAmount > BUFFERED_BYTES_MAX && !this.#isPaused) {
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
    this.#socket.resume();
  }

  #tell(text: string): void {
    if (!this.isOver && this.#socket.protocol !== "") this.#socket.send(`!${text}`);
  }

  #close(code: number, reason: string): void {
    if (this.isOver) return;
    this.isOver = true;
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
