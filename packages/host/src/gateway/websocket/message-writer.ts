import type { Duplex } from "node:stream";
import { PAYLOAD_BYTES, type PayloadKind } from "@leveros/protocol";

/** A longer payload is written without a copy. */
const COPY_BYTES_MAX = 4 * 1024;
/** The first byte of a message in one frame (RFC 6455, 5.2). */
const TEXT = 0x81;
const BINARY = 0x82;
/** Lengths that announce a length of 16 and of 64 bits. */
const LENGTH_16 = 126;
const LENGTH_64 = 127;

interface Message {
  readonly kind: PayloadKind;
  readonly bytes: Uint8Array;
}

/** Writers with messages to write at the end of this turn of the event loop. */
let waiting: MessageWriter[] = [];
/** The messages that were written last in this turn, and their frames. */
let lastMessages: readonly Message[] = [];
let lastFrames: readonly Uint8Array[] = [];

function flushWaiting(): void {
  const writers = waiting;
  waiting = [];
  for (const writer of writers) writer.flush();
  lastMessages = [];
  lastFrames = [];
}

/**
 * Writes messages to a WebSocket. The library opens and reads the socket, but would write each message by itself; this joins
 * the messages of one turn of the event loop in one write. Messages that go to many WebSockets are put in frames once.
 */
export class MessageWriter {
  readonly #connection: Duplex;
  #messages: Message[] = [];
  #bytes = 0;

  constructor(connection: Duplex) {
    this.#connection = connection;
  }

  /** Bytes that are not sent yet. */
  get bufferedBytes(): number {
    return this.#bytes + this.#connection.writableLength;
  }

  write(kind: PayloadKind, bytes: Uint8Array): void {
    if (this.#messages.length === 0) {
      if (waiting.length === 0) setImmediate(flushWaiting);
      waiting.push(this);
    }
    this.#messages.push({ kind, bytes });
    this.#bytes += bytes.length;
  }

  /** Writes the messages so far, before anything else is written to the socket. */
  flush(): void {
    const messages = this.#messages;
    if (messages.length === 0) return;
    this.#messages = [];
    this.#bytes = 0;
    const connection = this.#connection;
    if (connection.destroyed) return;
    if (!areSame(messages, lastMessages)) {
      lastMessages = messages;
      lastFrames = framesOf(messages);
    }
    if (lastFrames.length > 1) connection.cork();
    for (const bytes of lastFrames) connection.write(bytes);
    if (lastFrames.length > 1) connection.uncork();
  }
}

/** True when the messages are the same ones: a payload is never changed. */
function areSame(messages: readonly Message[], others: readonly Message[]): boolean {
  if (messages.length !== others.length) return false;
  return messages.every(
    ({ kind, bytes }, at) => bytes === others[at]?.bytes && kind === others[at].kind,
  );
}

/** The bytes of the frames, in as few pieces as copies of payloads allow. */
function framesOf(messages: readonly Message[]): Uint8Array[] {
  let bytes = 0;
  for (const message of messages) bytes += headBytes(message) + copiedBytes(message);
  const joined = Buffer.allocUnsafe(bytes);
  const pieces: Uint8Array[] = [];
  let start = 0;
  let end = 0;
  for (const message of messages) {
    end = writeHead(joined, end, message);
    if (copiedBytes(message) > 0) {
      joined.set(message.bytes, end);
      end += message.bytes.length;
    } else {
      pieces.push(joined.subarray(start, end), message.bytes);
      start = end;
    }
  }
  if (end > start) pieces.push(joined.subarray(start, end));
  return pieces;
}

function copiedBytes({ bytes }: Message): number {
  return bytes.length > COPY_BYTES_MAX ? 0 : bytes.length;
}

function headBytes({ bytes: { length } }: Message): number {
  return length < LENGTH_16 ? 2 : length < 0x1_0000 ? 4 : 10;
}

function writeHead(into: Buffer, at: number, { kind, bytes: { length } }: Message): number {
  into[at] = kind === PAYLOAD_BYTES ? BINARY : TEXT;
  if (length < LENGTH_16) return into.writeUInt8(length, at + 1);
  if (length < 0x1_0000) {
    into[at + 1] = LENGTH_16;
    return into.writeUInt16BE(length, at + 2);
  }
  into[at + 1] = LENGTH_64;
  into.writeUInt32BE(0, at + 2);
  return into.writeUInt32BE(length, at + 6);
}
