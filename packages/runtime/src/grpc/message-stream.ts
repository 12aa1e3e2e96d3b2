import { LeverError, type Limits } from "@leveros/protocol";
import type { ServerStream, StreamListener } from "../http2/server-stream.ts";
import { asCallError, malformed } from "./call-error.ts";
import { MessageReader } from "./message-reader.ts";

/** Bytes that the encoding may add to a body of the largest size. */
export const ENCODING_BYTES: number = 64 * 1024;

export interface ReadOptions {
  /** Counts the bytes that the call holds from now on. False = all calls together hold too many. Default: no limit. */
  readonly hold?: (bytes: number) => boolean;
  readonly limits: Pick<Limits, "bodyBytesMax">;
  /** The coding of compressed messages; undefined = there are none. */
  readonly encoding: string | undefined;
}

/** Receives the messages of a stream. What it throws, and the first error of the stream, goes to `onMalformed`. */
export interface MessageListener {
  onRequest(bytes: Buffer): void;
  onRequestEnd(): void;
  /** Nothing follows but `onWritable` and `onClose`. */
  onMalformed(error: LeverError): void;
  /** More messages may be sent. */
  onWritable(): void;
  /** The stream is over. */
  onClose(): void;
}

/** Reads the messages of a stream. */
export function readMessages(
  stream: ServerStream,
  options: ReadOptions,
  listener: MessageListener,
): void {
  stream.listen(new MessageStream(options, listener));
}

class MessageStream implements StreamListener {
  readonly #reader: MessageReader;
  readonly #hold: ReadOptions["hold"];
  readonly #listener: MessageListener;
  #hasFailed = false;

  constructor({ limits, hold, encoding }: ReadOptions, listener: MessageListener) {
    this.#reader = new MessageReader(limits.bodyBytesMax + ENCODING_BYTES, encoding);
    this.#hold = hold;
    this.#listener = listener;
  }

  onContent(piece: Buffer): void {
    if (this.#hasFailed) return;
    try {
      const messages = this.#reader.push(piece);
      if (this.#hold?.(this.#reader.pendingBytes) === false) throw tooManyMessages();
      for (const message of messages) this.#listener.onRequest(message);
    } catch (error) {
      this.#fail(error);
    }
  }

  onEnd(): void {
    if (this.#hasFailed) return;
    try {
      if (this.#reader.isWithinMessage) throw malformed("its last message is cut off");
      this.#listener.onRequestEnd();
    } catch (error) {
      this.#fail(error);
    }
  }

  onDrain(): void {
    this.#listener.onWritable();
  }

  onClose(): void {
    this.#listener.onClose();
  }

  #fail(error: unknown): void {
    this.#hasFailed = true;
    this.#listener.onMalformed(asCallError(error));
  }
}

export function tooManyMessages(): LeverError {
  return new LeverError(
    "overloaded",
    "Cannot accept the message: too many calls with large messages are in progress.",
    { retryAfterSeconds: 1 },
  );
}
