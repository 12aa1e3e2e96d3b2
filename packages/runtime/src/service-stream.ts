import { Duplex } from "node:stream";
import {
  type CallHandle,
  type CallListener,
  decodeValue,
  LeverError,
  PAYLOAD_BYTES,
  type PayloadKind,
  valuePayload,
} from "@leveros/protocol";
import { toOwnedBuffer } from "./owned-buffer.ts";

/**
 * The stream that a streaming method gets: messages in, messages out, with backpressure both ways. It is a Node
 * `Duplex` in object mode (`data`, `end`, `error`, `write`, `end`) and an async iterable. A JSON null, which such a
 * stream cannot carry, is read and may be written as undefined.
 */
export class ServiceStream extends Duplex implements CallListener {
  readonly #side: CallHandle;
  /** Why there is no caller any more, once that is so. */
  leftBy: LeverError | undefined;
  #onWritten: (() => void) | undefined;
  #hasHeardLast = false;

  constructor(side: CallHandle) {
    super({ objectMode: true, readableHighWaterMark: 16, writableHighWaterMark: 16 });
    this.#side = side;
    // A method that never listens for errors must not bring its instance down when a caller leaves.
    this.on("error", () => {});
  }

  /** An object stream takes no null: it goes on its way as undefined, and is null on the wire. */
  override write(message: unknown, ...rest: unknown[]): boolean {
    const passed = message ?? undefined;
    if (rest.length === 0) return super.write(passed);
    return Reflect.apply(super.write, this, [passed, ...rest]);
  }

  /** Leaving a loop over the messages early does not end the stream: the method may still write. */
  override [Symbol.asyncIterator](): NodeJS.AsyncIterator<unknown> {
    const messages = this.iterator({ destroyOnReturn: false });
    const nextToCome = messages.next.bind(messages);
    let waiting = 0;
    const hasCome = (): void => {
      waiting--;
    };
    const next = (): Promise<IteratorResult<unknown>> => {
      // What is here already needs none of the waiting of Node's own iterator, which costs more than the message.
      if (waiting === 0 && this.readableLength > 0 && !this.destroyed) {
        const value: unknown = this.read();
        if (value !== null) return Promise.resolve({ done: false, value });
      }
      waiting++;
      const result = nextToCome();
      result.then(hasCome, hasCome);
      return result;
    };
    return Object.assign(messages, { next });
  }

  /** Resolves when there is room to write again, or when there never will be. */
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
    this.#side.resume();
  }

  override _write(message: unknown, _encoding: string, done: (error?: Error | null) => void): void {
    try {
      const { kind, bytes } = valuePayload(message);
      if (this.#side.send(kind, bytes)) done();
      else this.#onWritten = done;
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
    }
  }

  override _final(done: () => void): void {
    this.#side.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#onWritten = undefined;
    done(error);
  }

  onMessage(kind: PayloadKind, bytes: Uint8Array): void {
    if (this.destroyed || this.#hasHeardLast) return;
    let message: unknown;
    try {
      message = kind === PAYLOAD_BYTES ? toOwnedBuffer(bytes) : decodeValue(kind, bytes);
    } catch {
      const error = new LeverError(
        "malformed_request",
        "Cannot read a message of the stream: it is not JSON.",
      );
      this.#side.abort(error);
      this.destroy(error);
      return;
    }
    if (!this.push(message ?? undefined)) this.#side.pause();
  }

  onEnd(): void {
    if (this.#hasHeardLast) return;
    this.#hasHeardLast = true;
    this.push(null);
  }

  onFail(kind: PayloadKind, bytes: Uint8Array): void {
    const value = decodeValue(kind, bytes);
    this.destroy(new Error(typeof value === "string" ? value : JSON.stringify(value)));
  }

  onAbort(error: LeverError): void {
    this.leftBy = error;
    this.destroy(error);
  }

  onDrain(): void {
    const done = this.#onWritten;
    this.#onWritten = undefined;
    done?.();
  }
}
