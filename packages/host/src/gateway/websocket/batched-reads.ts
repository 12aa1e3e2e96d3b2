import type { Duplex } from "node:stream";

/** With fewer messages to answer, the caller may be waiting for each answer, and nothing more is to come meanwhile. */
const UNANSWERED_MIN = 2;
/** With more of them, the method does not answer what it gets, or the caller sends far ahead of it. */
const UNANSWERED_MAX = 1_024;
/** Of longer messages, it is the bytes that take time, and not the turns. */
const BYTES_MAX = 4 * 1_024;
/** For as long, no longer, what comes is left in the socket while no answer does. */
const GATHER_MS = 1;

/**
 * What Node's sockets read by, plain or TLS. To pause a socket is not enough: it stops reading only when its buffer is full,
 * and its public interface has no other way.
 */
interface ReadHandle {
  /** Node's sockets keep this in step, and start or stop where it says so. */
  reading: boolean;
  readStart(): void;
  readStop(): void;
}

/**
 * While a method is at work on messages, leaves what comes after them in the connection, to be read together once an
 * answer is there. Reading each by itself as it comes wakes this process up for each, takes the processor from the
 * method and the caller, and makes the method's turns as short: all three then spend more on turns than on messages.
 */
export class BatchedReads {
  readonly #connection: Duplex;
  #unanswered = 0;
  #willStop = false;
  /** Runs while reading is stopped. */
  #timer: NodeJS.Timeout | undefined;

  constructor(connection: Duplex) {
    this.#connection = connection;
  }

  /** A message of so many bytes was passed on to the method. */
  onForwarded(bytes: number): void {
    this.#unanswered++;
    if (this.#willStop || this.#timer || bytes > BYTES_MAX || !this.#isAtWork) return;
    this.#willStop = true;
    // What was read together is passed on first.
    setImmediate(() => this.#stop());
  }

  /** The method has sent a message. */
  onReply(): void {
    if (this.#unanswered > 0) this.#unanswered--;
    if (this.#timer) this.resume();
  }

  /** Reads again, if it does not. */
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
    if (!handle?.reading || !this.#isAtWork) return;
    handle.reading = false;
    handle.readStop();
    this.#timer = setTimeout(() => this.resume(), GATHER_MS);
  }

  /** The method has what is worth waiting for. */
  get #isAtWork(): boolean {
    return this.#unanswered >= UNANSWERED_MIN && this.#unanswered <= UNANSWERED_MAX;
  }

  /** None once the connection is closed. */
  get #handle(): ReadHandle | null | undefined {
    return (this.#connection as { _handle?: ReadHandle | null })._handle;
  }
}
