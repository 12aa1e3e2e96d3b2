import type { Duplex } from "node:stream";

/** With fewer unanswered messages, the caller may wait for each reply and send nothing meanwhile. */
const UNANSWERED_MIN = 2;
/** With more, the method does not reply to each message, or the caller sends far ahead of it. */
const UNANSWERED_MAX = 1_024;
/** For longer messages the bytes take the time, not the turns of the event loop. */
const BYTES_MAX = 4 * 1_024;
/** Reading stops for at most this time without a reply. */
const BATCH_MS = 1;

/**
 * The part of Node's sockets that reads, in cleartext or TLS. `pause()` stops reading only when the socket's buffer is full,
 * and the public interface has no other way.
 */
interface ReadHandle {
  /** Node's sockets keep this up to date, and start or stop reading when it differs. */
  reading: boolean;
  readStart(): void;
  readStop(): void;
}

/**
 * While a method processes messages, leaves further ones in the connection and reads them together after its next reply.
 * Reading each message as it arrives wakes this process up for each. That takes CPU from the method and the caller, and
 * the method gets as few messages per turn: all three then spend more time on turns than on messages.
 */
export class BatchedReads {
  readonly #connection: Duplex;
  #unanswered = 0;
  #willStop = false;
  /** Defined while reading is stopped. */
  #timer: NodeJS.Timeout | undefined;

  constructor(connection: Duplex) {
    this.#connection = connection;
  }

  /** A message of this many bytes was forwarded to the method. */
  onForwarded(bytes: number): void {
    this.#unanswered++;
    if (this.#willStop || this.#timer || bytes > BYTES_MAX || !this.#isMethodBusy) return;
    this.#willStop = true;
    // Messages that were read together are forwarded first.
    setImmediate(() => this.#stop());
  }

  /** The method has sent a message. */
  onReply(): void {
    if (this.#unanswered > 0) this.#unanswered--;
    if (this.#timer) this.resume();
  }

  /** Starts reading again if it is stopped. */
  resume(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const handle = this.#handle;
    if (!handle || handle.reading) return;
    handle.reading = true;
    handle.readStart();
  }

  #stop(): void {
    this.#willStop = false;
    const handle = this.#handle;
    if (!handle?.reading || !this.#isMethodBusy) return;
    handle.reading = false;
    handle.readStop();
    this.#timer = setTimeout(() => this.resume(), BATCH_MS);
  }

  /** A reply is worth waiting for. */
  get #isMethodBusy(): boolean {
    return this.#unanswered >= UNANSWERED_MIN && this.#unanswered <= UNANSWERED_MAX;
  }

  /** undefined or null once the connection is closed. */
  get #handle(): ReadHandle | null | undefined {
    return (this.#connection as { _handle?: ReadHandle | null })._handle;
  }
}
