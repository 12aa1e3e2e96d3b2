import type { Duplex } from "node:stream";
import {
  type CallHandle,
  type CallListener,
  cancelled,
  formatCallId,
  LeverError,
  PAYLOAD_JSON,
  type PayloadKind,
} from "@leveros/protocol";
import type { WebSocket } from "ws";
import { countPassed } from "../buffer-garbage.ts";
import { MessageWriter } from "../message-writer.ts";
import type { UnreadReplies } from "../unread-replies.ts";
import { BatchedReads } from "./batched-reads.ts";
import { CLOSE_DONE, CLOSE_METHOD_FAILED, closeCode, closeReason } from "./close-frame.ts";
import { framesOf } from "./message-frames.ts";
import type { WebSocketCredit } from "./websocket-credit.ts";

/** Writes a call's messages and its end to a WebSocket, as fast as the caller reads, and grants the caller credit. */
export class WebSocketReply implements CallListener {
  readonly #socket: WebSocket;
  readonly #connection: Duplex;
  readonly #replies: UnreadReplies;
  readonly #number: number;
  call: CallHandle | undefined;
  isOver = false;
  /** undefined = the caller does not use the subprotocol. */
  readonly #credit: WebSocketCredit | undefined;
  #isPaused = false;
  readonly #writer: MessageWriter;
  readonly #reads: BatchedReads;

  constructor(
    socket: WebSocket,
    connection: Duplex,
    options: {
      readonly credit: WebSocketCredit | undefined;
      readonly replies: UnreadReplies;
      readonly number: number;
    },
  ) {
    this.#socket = socket;
    this.#connection = connection;
    this.#credit = options.credit;
    this.#replies = options.replies;
    this.#number = options.number;
    this.#writer = new MessageWriter(connection, framesOf);
    this.#reads = new BatchedReads(connection);
    connection.on("drain", () => this.#resume());
  }

  // The caller's side.

  get hasCredit(): boolean {
    return this.#credit !== undefined;
  }

  /** The caller has sent a grant: it has consumed messages. */
  addGrant(text: Uint8Array): void {
    if (this.#credit?.addGrant(text) === false) {
      const error = new LeverError(
        "malformed_request",
        "Cannot read the credit: it is not a number.",
      );
      this.call?.abort(error);
      this.onAbort(error);
      return;
    }
    this.#resume();
  }

  /** A message of the caller was forwarded. `isConsumed` = false: the method has to catch up before it gets more. */
  onForwarded(bytes: number, isConsumed: boolean): void {
    this.#credit?.received(bytes);
    this.#reads.onForwarded(bytes);
    if (isConsumed) this.#sendGrant();
    else this.#socket.pause();
  }

  onDisconnect(): void {
    if (!this.isOver) this.call?.abort(cancelled("connectionClosed"));
    this.isOver = true;
  }

  // The call's side.

  onMessage(kind: PayloadKind, bytes: Uint8Array): void {
    if (this.isOver) return;
    countPassed(bytes.length);
    this.#writer.write(kind, bytes);
    this.#reads.onReply();
    this.#credit?.sent(bytes.length);
    if (!this.#canSend && !this.#isPaused) {
      this.#isPaused = true;
      this.call?.pause();
      if (this.#writer.isFull) this.#replies.hold(this.#connection);
    }
  }

  onEnd(): void {
    this.#close(CLOSE_DONE, "");
  }

  onFail(kind: PayloadKind, bytes: Uint8Array): void {
    const buffer = Buffer.from(bytes);
    const value =
      kind === PAYLOAD_JSON ? `"error":${buffer}` : `"bytesError":"${buffer.toString("base64")}"`;
    this.#sendError(`{${value},"call":"${formatCallId(this.#number)}"}`);
    this.#close(CLOSE_METHOD_FAILED, kind === PAYLOAD_JSON ? buffer.toString() : "");
  }

  onAbort(reason: LeverError): void {
    const error = reason.ofCall(formatCallId(this.#number));
    const { retryAfterSeconds } = error;
    this.#sendError(JSON.stringify({ problem: { ...error.toProblem(), retryAfterSeconds } }));
    this.#close(closeCode(error), error.message);
  }

  onDrain(): void {
    this.#sendGrant();
    this.#socket.resume();
  }

  get #canSend(): boolean {
    const hasCredit = this.#credit?.canSend !== false;
    return hasCredit && !this.#writer.isFull;
  }

  #resume(): void {
    if (!this.#isPaused || !this.#canSend) return;
    this.#isPaused = false;
    this.call?.resume();
  }

  #sendGrant(): void {
    if (this.isOver) return;
    const grant = this.#credit?.takeGrant();
    if (grant === undefined) return;
    this.#writer.flush();
    this.#socket.send(grant);
  }

  #sendError(text: string): void {
    if (this.isOver || this.#credit === undefined) return;
    this.#writer.flush();
    this.#socket.send(`!${text}`);
  }

  #close(code: number, reason: string): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#reads.resume();
    this.#writer.flush();
    this.#socket.resume();
    this.#socket.close(code, closeReason(reason));
  }
}
