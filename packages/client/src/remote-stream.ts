import {
  type CallHandle,
  type CallListener,
  cancelled,
  LeverError,
  type Payload,
  type PayloadKind,
  valuePayload,
} from "@leveros/protocol";
import { methodFailed, replyValue } from "./reply-value.ts";

/** With this many unread messages the service must wait. At most one window of messages still arrives. */
const UNREAD_MAX = 16;

interface Listeners<Received> {
  data: (message: Received) => void;
  /** The service has ended the stream. */
  end: () => void;
  error: (error: LeverError) => void;
  /** Writing is possible again. */
  drain: () => void;
}

/** A pending `next()`. Node 20 cannot make a promise with its functions. */
interface Reader<Received> {
  resolve(result: IteratorResult<Received, undefined>): void;
  reject(error: unknown): void;
}

/**
 * A stream to a streaming method: messages in both directions, with flow control.
 *
 * Read it as an async iterable or with `on("data", …)`. Ending a loop early cancels the stream. It fails with a LeverError:
 * `method_failed`, with the original `value`, when the method failed.
 */
export class RemoteStream<Sent = unknown, Received = unknown> implements AsyncIterable<Received> {
  readonly #side: CallHandle;
  readonly #listeners: { [Name in keyof Listeners<Received>]: Set<Listeners<Received>[Name]> } = {
    data: new Set(),
    end: new Set(),
    error: new Set(),
    drain: new Set(),
  };
  #unread: Received[] = [];
  /** Pending `next()` calls. */
  readonly #readers: Reader<Received>[] = [];
  /** Pending `drained()` calls. */
  readonly #writers: (() => void)[] = [];
  #isPaused = false;
  #hasEmittedEnd = false;
  #isWritable = true;
  #hasEnded = false;
  #outcome: "open" | "ended" | LeverError = "open";

  /** Use `invokeChan` to open a stream. `open` starts the call with the given listener. */
  constructor(open: (events: CallListener) => CallHandle) {
    this.#side = open({
      onMessage: (kind, bytes) => this.#receive(kind, bytes),
      onEnd: () => {
        // The service has finished the call and reads no more messages.
        this.#side.end();
        this.#finish("ended");
      },
      onFail: (kind, bytes, call) => this.#finish(methodFailed({ kind, bytes }, call)),
      onAbort: (error) => this.#finish(error),
      onDrain: () => {
        this.#isWritable = true;
        this.#wakeWriters();
        for (const listener of [...this.#listeners.drain]) listener();
      },
    });
  }

  /**
   * Sends a message. False = the service is slower: wait for `drained()` before the next one.
   * @throws Error after `end`; LeverError `malformed_request` for a value that JSON would lose.
   */
  write(message: Sent): boolean {
    if (this.#hasEnded) throw new Error("Cannot write to the stream: end() was called.");
    if (this.#outcome !== "open") return true;
    const { kind, bytes } = encodeMessage(message);
    this.#isWritable = this.#side.send(kind, bytes);
    return this.#isWritable;
  }

  /** Resolves when writing is possible, or when the stream is over. */
  async drained(): Promise<void> {
    while (!this.#isWritable && this.#outcome === "open") {
      await new Promise<void>((resolve) => this.#writers.push(resolve));
    }
  }

  /** Half-closes: this side sends no more messages. The service may still send. */
  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    if (this.#outcome === "open") this.#side.end();
  }

  /** Cancels the stream: the service is notified, and no more messages arrive. */
  cancel(reason?: string): void {
    this.#cancel(reason === undefined ? cancelled("caller") : new LeverError("cancelled", reason));
  }

  #cancel(error: LeverError): void {
    if (this.#outcome !== "open") return;
    this.#side.abort(error);
    this.#unread = [];
    this.#finish(error);
  }

  on<Name extends keyof Listeners<Received>>(
    name: Name,
    listener: Listeners<Received>[Name],
  ): this {
    this.#listeners[name].add(listener);
    if (name === "data") this.#emitUnread();
    // A listener added after the end still receives it.
    if (this.#outcome !== "open" && this.#unread.length === 0) {
      if (name === "end" && this.#outcome === "ended") queueMicrotask(listener as () => void);
      if (name === "error" && this.#outcome instanceof LeverError) {
        const error = this.#outcome;
        queueMicrotask(() => (listener as (error: LeverError) => void)(error));
      }
    }
    return this;
  }

  off<Name extends keyof Listeners<Received>>(
    name: Name,
    listener: Listeners<Received>[Name],
  ): this {
    this.#listeners[name].delete(listener);
    return this;
  }

  [Symbol.asyncIterator](): AsyncIterator<Received, undefined> {
    return {
      next: () => this.#next(),
      return: async () => {
        this.#cancel(cancelled("readerStopped"));
        return { done: true, value: undefined };
      },
    };
  }

  async #next(): Promise<IteratorResult<Received, undefined>> {
    if (this.#unread.length > 0) {
      const value = this.#unread.shift() as Received;
      this.#resumeWhenRead();
      return { done: false, value };
    }
    if (this.#outcome instanceof LeverError) throw this.#outcome;
    if (this.#outcome === "ended") return { done: true, value: undefined };
    return await new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
  }

  #receive(kind: PayloadKind, bytes: Uint8Array): void {
    if (this.#outcome !== "open") return;
    let message: Received;
    try {
      message = replyValue({ kind, bytes }) as Received;
    } catch (error) {
      const broken = error as LeverError;
      this.#side.abort(broken);
      this.#finish(broken);
      return;
    }
    const reader = this.#readers.shift();
    if (reader !== undefined) {
      reader.resolve({ done: false, value: message });
      return;
    }
    this.#unread.push(message);
    this.#emitUnread();
    if (this.#unread.length >= UNREAD_MAX && !this.#isPaused) {
      this.#isPaused = true;
      this.#side.pause();
    }
  }

  /** Passes unread messages to the "data" listeners. */
  #emitUnread(): void {
    const { data } = this.#listeners;
    while (data.size > 0 && this.#unread.length > 0) {
      const message = this.#unread.shift() as Received;
      for (const listener of [...data]) listener(message);
    }
    this.#resumeWhenRead();
    if (this.#unread.length === 0) this.#emitEnd();
  }

  #resumeWhenRead(): void {
    if (!this.#isPaused || this.#unread.length >= UNREAD_MAX / 2) return;
    this.#isPaused = false;
    this.#side.resume();
  }

  #finish(outcome: "ended" | LeverError): void {
    if (this.#outcome !== "open") return;
    this.#outcome = outcome;
    // Readers wait only when no message is unread.
    for (const reader of this.#readers.splice(0)) {
      if (outcome instanceof LeverError) reader.reject(outcome);
      else reader.resolve({ done: true, value: undefined });
    }
    this.#wakeWriters();
    if (this.#unread.length === 0 || outcome instanceof LeverError) this.#emitEnd();
  }

  #wakeWriters(): void {
    for (const wake of this.#writers.splice(0)) wake();
  }

  #emitEnd(): void {
    const outcome = this.#outcome;
    if (outcome === "open" || this.#hasEmittedEnd) return;
    this.#hasEmittedEnd = true;
    if (outcome instanceof LeverError)
      for (const listener of [...this.#listeners.error]) listener(outcome);
    else for (const listener of [...this.#listeners.end]) listener();
  }
}

function encodeMessage(message: unknown): Payload {
  try {
    return valuePayload(message, "message");
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new LeverError("malformed_request", `Cannot send the message: ${problem}`, { cause });
  }
}
