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

/**
 * Writes messages to a WebSocket. The library opens and reads the socket, but would write each message by itself; this joins
 * the messages of one turn of the event loop in one write.
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
    if (this.#messages.length === 0) setImmediate(() => this.flush());
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
    let bytes = 0;
    for (const message of messages) bytes += headBytes(message) + copiedBytes(message);
    const joined = Buffer.allocUnsafe(bytes);
    let start = 0;
    let end = 0;
    connection.cork();
    for (const message of messages) {
      end = writeHead(joined, end, message);
      if (copiedBytes(message) > 0) {
        joined.set(message.bytes, end);
        end += message.bytes.length;
      } else {
        connection.write(joined.subarray(start, end));
        connection.write(message.bytes);
        start = end;
      }
    }
    if (end > start) connection.write(joined.subarray(start, end));
    connection.uncork();
  }
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
