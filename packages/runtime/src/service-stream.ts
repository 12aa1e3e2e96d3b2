import { Duplex } from "node:stream";
import {
  type CallHandle,
  type CallListener,
  decodeValue,
  jsonExcess,
  LeverError,
  PAYLOAD_BYTES,
  type PayloadKind,
} from "@leveros/protocol";
import { toOwnedBuffer } from "./owned-buffer.ts";
import { type CallServerOptions, cannotSend } from "./running-call.ts";

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
      // A message that has arrived is read directly: Node's iterator costs more than the message.
      if (waiting === 0 && this.readableLength > 0 && !this.destroyed) {
        const value: unknown = this.read();
        if (value !== null) return Promise.resolve({ done: false, value });
      }
      waiting++;
      const result = nextFromNode();
      result.then(settled, settled);
      return result;
    };
    return Object.assign(messages, { next });
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
    this.#side.resume();
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
    done(error);
  }

  onMessage(kind: PayloadKind, bytes: Uint8Array): void {
    if (this.destroyed || this.#hasReceivedLast) return;
    const excess = kind === PAYLOAD_BYTES ? undefined : jsonExcess(bytes);
    if (excess !== undefined) {
      this.#refuse(excess);
      return;
    }
    let message: unknown;
    try {
      message = kind === PAYLOAD_BYTES ? toOwnedBuffer(bytes) : decodeValue(kind, bytes);
    } catch {
      this.#refuse("is not JSON");
      return;
    }
    if (!this.push(message ?? undefined)) this.#side.pause();
  }

  #refuse(reason: string): void {
    const text = `Cannot read a message of the stream: it ${reason}.`;
    const error = new LeverError("malformed_request", text);
    this.#side.abort(error);
    this.destroy(error);
  }

  onEnd(): void {
    if (this.#hasReceivedLast) return;
    this.#hasReceivedLast = true;
    this.push(null);
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
