import { Duplex } from "node:stream";
import {
  type CallHandle,
  type CallListener,
  decodeValue,
  LeverError,
  type PayloadKind,
} from "@leveros/protocol";
import { countPassed } from "./buffer-garbage.ts";
import {
  LineMessages,
  NO_MESSAGE,
  readMessage,
  type UnreadMessages,
  unreadMessage,
} from "./line-messages.ts";
import { type CallServerOptions, cannotSend } from "./running-call.ts";

/** With more payloads that are not read, the caller has to wait. */
const UNREAD_MAX = 4;

/**
 * The stream of a streaming method: messages in both directions, with backpressure. It is a Node `Duplex` in object mode
 * and an async iterable. Such a stream cannot carry null: JSON null is read as undefined, and undefined is sent as null.
 */
export class ServiceStream extends Duplex implements CallListener {
  readonly #side: CallHandle;
  readonly #encode: CallServerOptions["encode"];
  /** Why the call was cancelled; undefined while it is open. */
  cancelledBy: LeverError | undefined;
  #onWritten: (() => void) | undefined;
  #hasReceivedLast = false;
  /** Messages that follow those in Node's buffer: lines, and what came after them. */
  readonly #unread: UnreadMessages[] = [];
  /** A loop reads the messages. */
  #isIterated = false;

  constructor(side: CallHandle, encode: CallServerOptions["encode"]) {
    super({ objectMode: true, readableHighWaterMark: 16, writableHighWaterMark: 16 });
    this.#side = side;
    this.#encode = encode;
    // Without an error listener of the method, a cancelled call would crash the instance.
    this.on("error", () => {});
  }

  /** An object stream does not accept null: it is passed as undefined and sent as null. */
  override write(message: unknown, ...rest: unknown[]): boolean {
    const written = message ?? undefined;
    if (rest.length === 0) return super.write(written);
    return Reflect.apply(super.write, this, [written, ...rest]);
  }

  /** Ending a loop over the messages early does not end the stream: the method may still write. */
  override [Symbol.asyncIterator](): NodeJS.AsyncIterator<unknown> {
    const messages = this.iterator({ destroyOnReturn: false });
    const nextFromNode = messages.next.bind(messages);
    let waiting = 0;
    const settled = (): void => {
      waiting--;
    };
    const next = (): Promise<IteratorResult<unknown>> => {
      this.#isIterated = true;
      // A message that has arrived is read directly: Node's iterator costs more than the message.
      if (waiting === 0 && !this.destroyed) {
        const value: unknown = this.readableLength > 0 ? this.read() : this.#takeUnread();
        if (value !== null && value !== NO_MESSAGE) return Promise.resolve({ done: false, value });
      }
      waiting++;
      const result = nextFromNode();
      result.then(settled, settled);
      return result;
    };
    const leaveNode = messages.return?.bind(messages);
    const leave = (): Promise<IteratorResult<unknown>> => {
      this.#isIterated = false;
      this.#pushUnread();
      return leaveNode?.() ?? Promise.resolve({ done: true, value: undefined });
    };
    return Object.assign(messages, { next, return: leave });
  }

  /** Resolves when writing is possible, or when the stream is closed. */
  drained(): Promise<void> {
    if (this.destroyed || !this.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        this.off("drain", done).off("close", done);
        resolve();
      };
      this.on("drain", done).on("close", done);
    });
  }

  override _read(): void {
    if (this.#unread.length === 0) this.#side.resume();
    else this.#pushUnread();
  }

  override _write(message: unknown, _encoding: string, done: (error?: Error | null) => void): void {
    try {
      const { kind, bytes } = this.#encode(message, "message");
      if (this.#side.send(kind, bytes)) done();
      else this.#onWritten = done;
    } catch (error) {
      done(cannotSend("a message of the stream", error));
    }
  }

  override _final(done: () => void): void {
    this.#side.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#onWritten = undefined;
    this.#unread.length = 0;
    done(error);
  }

  onLines(bytes: Uint8Array): void {
    if (this.destroyed || this.#hasReceivedLast) return;
    countPassed(bytes.length);
    try {
      this.#addUnread(new LineMessages(bytes));
    } catch (error) {
      this.#refuse(error);
    }
  }

  onMessage(kind: PayloadKind, bytes: Uint8Array): void {
    if (this.destroyed || this.#hasReceivedLast) return;
    countPassed(bytes.length);
    try {
      if (this.#unread.length > 0) this.#addUnread(unreadMessage(kind, bytes));
      else if (!this.push(readMessage(kind, bytes) ?? undefined)) this.#side.pause();
    } catch (error) {
      this.#refuse(error);
    }
  }

  #addUnread(messages: UnreadMessages): void {
    this.#unread.push(messages);
    if (this.#unread.length > UNREAD_MAX) this.#side.pause();
    this.#pushUnread();
  }

  /** Fills Node's buffer. A loop reads further messages directly: it needs one there to wake up. */
  #pushUnread(): void {
    while (!(this.#isIterated && this.readableLength > 0)) {
      const message = this.#takeUnread();
      if (message === NO_MESSAGE || !this.push(message)) return;
    }
  }

  /** The next unread message. After the last one the stream ends, if its caller has ended it. */
  #takeUnread(): unknown {
    for (let first = this.#unread[0]; first !== undefined; first = this.#unread[0]) {
      try {
        const message = first.next();
        if (message !== NO_MESSAGE) return message ?? undefined;
      } catch (error) {
        this.#refuse(error);
        return NO_MESSAGE;
      }
      this.#unread.shift();
      if (this.#unread.length <= UNREAD_MAX) this.#side.resume();
      if (this.#unread.length === 0 && this.#hasReceivedLast) this.push(null);
    }
    return NO_MESSAGE;
  }

  #refuse(problem: unknown): void {
    const reason = problem instanceof RangeError ? problem.message : "is not JSON";
    const text = `Cannot read a message of the stream: it ${reason}.`;
    const error = new LeverError("malformed_request", text);
    this.#side.abort(error);
    this.destroy(error);
  }

  onEnd(): void {
    if (this.#hasReceivedLast) return;
    this.#hasReceivedLast = true;
    if (this.#unread.length === 0) this.push(null);
  }

  onFail(kind: PayloadKind, bytes: Uint8Array): void {
    const value = decodeValue(kind, bytes);
    this.destroy(new Error(typeof value === "string" ? value : JSON.stringify(value)));
  }

  onAbort(error: LeverError): void {
    this.cancelledBy = error;
    this.destroy(error);
  }

  onDrain(): void {
    const done = this.#onWritten;
    this.#onWritten = undefined;
    done?.();
  }
}
