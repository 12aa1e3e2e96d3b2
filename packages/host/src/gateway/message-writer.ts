import type { Duplex } from "node:stream";
import type { PayloadKind } from "@leveros/protocol";

/** With more bytes buffered on their way to a caller, the method has to wait. Well over what a socket wants to buffer. */
const BUFFERED_BYTES_MAX = 256 * 1024;

/** A single message up to this size is written directly. */
const CORKED_FROM_BYTES = 4 * 1024;

export interface Message {
  readonly kind: PayloadKind;
  /** Never changed. */
  readonly bytes: Uint8Array;
}

/** Encodes messages for the wire, in pieces that are written one after the other. */
type Encode = (messages: readonly Message[]) => readonly Uint8Array[];

/** Writers with messages to write at the end of this turn of the event loop. */
let waiting: MessageWriter[] = [];
/** The messages that were written last in this turn, and their encoding. */
let last:
  | {
      readonly messages: readonly Message[];
      readonly encode: Encode;
      readonly pieces: readonly Uint8Array[];
    }
  | undefined;

function flushWaiting(): void {
  const writers = waiting;
  waiting = [];
  for (const writer of writers) writer.flush();
  last = undefined;
}

/**
 * Writes the messages of a stream to its connection: those of one turn of the event loop in one write. Messages that go to
 * many streams are encoded once.
 */
export class MessageWriter {
  readonly #connection: Duplex;
  readonly #encode: Encode;
  #messages: Message[] = [];
  #bytes = 0;

  constructor(connection: Duplex, encode: Encode) {
    this.#connection = connection;
    this.#encode = encode;
  }

  /** The method has to wait for the "drain" of the connection. */
  get isFull(): boolean {
    return this.#bytes + this.#connection.writableLength > BUFFERED_BYTES_MAX;
  }

  write(kind: PayloadKind, bytes: Uint8Array): void {
    if (this.#messages.length === 0) {
      if (waiting.length === 0) setImmediate(flushWaiting);
      waiting.push(this);
    }
    this.#messages.push({ kind, bytes });
    this.#bytes += bytes.length;
  }

  /** Writes the messages so far, before anything else is written to the connection. */
  flush(): void {
    const messages = this.#messages;
    if (messages.length === 0) return;
    // Without a cork, Node emits no "drain" for a long write that the system takes at once.
    const isCorked = messages.length > 1 || this.#bytes > CORKED_FROM_BYTES;
    this.#messages = [];
    this.#bytes = 0;
    const connection = this.#connection;
    if (connection.destroyed) return;
    const encode = this.#encode;
    if (last?.encode !== encode || !areSame(messages, last.messages)) {
      last = { messages, encode, pieces: encode(messages) };
    }
    const { pieces } = last;
    if (isCorked) connection.cork();
    for (const piece of pieces) connection.write(piece);
    if (isCorked) connection.uncork();
  }
}

function areSame(messages: readonly Message[], others: readonly Message[]): boolean {
  if (messages.length !== others.length) return false;
  return messages.every(
    ({ kind, bytes }, at) => bytes === others[at]?.bytes && kind === others[at].kind,
  );
}
