import type { Duplex } from "node:stream";
import {
  type CallHandle,
  type CallListener,
  cancelled,
  type LeverError,
  PAYLOAD_BYTES,
  type PayloadKind,
} from "@leveros/protocol";
import { countPassed } from "../buffer-garbage.ts";
import type { DoorOptions } from "../door-options.ts";
import { endConnection, LINGER_MS } from "../http/discard-body.ts";
import { CloseTracker, closeFrame } from "./close-tracker.ts";

/** The service restarts: callers may come again (registered at IANA for RFC 6455, 7.4). */
const CLOSE_RESTART = 1012;
/** The connection has failed for another reason. */
const CLOSE_FAILED = 1011;

interface TunnelOptions extends Pick<DoorOptions, "clock" | "replies"> {
  readonly call: CallHandle;
}

/**
 * Passes the bytes of a WebSocket between its caller and the program, in both directions, as fast as each side reads. Messages are
 * not read. If the program ends without a close frame, as at its stop, the caller gets one.
 */
export class Tunnel implements CallListener {
  readonly #connection: Duplex;
  readonly #call: CallHandle;
  readonly #replies: DoorOptions["replies"];
  readonly #frames = new CloseTracker();
  /** Set once the caller has left: a program that does not answer its end has no reader any more. */
  #timer: unknown;
  #isPaused = false;
  #isOver = false;

  constructor(connection: Duplex, { call, clock, replies }: TunnelOptions) {
    this.#connection = connection;
    this.#call = call;
    this.#replies = replies;
    connection.on("data", (chunk: Buffer) => {
      if (this.#isOver) return;
      countPassed(chunk.length);
      if (!call.send(PAYLOAD_BYTES, chunk)) connection.pause();
    });
    connection.on("end", () => {
      call.end();
      this.#timer = clock.setTimeout(() => connection.destroy(), LINGER_MS);
    });
    connection.on("drain", () => this.#resume());
    connection.on("close", () => {
      clock.clearTimeout(this.#timer);
      if (!this.#isOver) call.abort(cancelled("connectionClosed"));
      this.#isOver = true;
    });
    connection.resume();
  }

  onMessage(_kind: PayloadKind, bytes: Uint8Array): void {
    if (this.#isOver) return;
    countPassed(bytes.length);
    this.#frames.pass(bytes);
    if (this.#connection.write(bytes)) return;
    this.#isPaused = true;
    this.#call.pause();
    this.#replies.hold(this.#connection);
  }

  onEnd(): void {
    this.#end(CLOSE_RESTART);
  }

  onFail(): void {
    this.#end(CLOSE_FAILED);
  }

  onAbort({ code }: LeverError): void {
    const isStopped = code === "unavailable" || code === "instance_failed";
    this.#end(isStopped ? CLOSE_RESTART : CLOSE_FAILED);
  }

  onDrain(): void {
    if (!this.#isOver) this.#connection.resume();
  }

  #resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#call.resume();
  }

  #end(code: number): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { isClosed, isBetweenFrames } = this.#frames;
    if (!isClosed && isBetweenFrames) this.#connection.write(closeFrame(code));
    endConnection(this.#connection);
  }
}
