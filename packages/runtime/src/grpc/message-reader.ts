import { LeverError } from "@leveros/protocol";

/** The prefix of a gRPC message: one byte, 0 = not compressed, then its length in four bytes. */
const PREFIX_BYTES = 5;

/** Splits received bytes into gRPC messages. A message over the limit is refused before it is stored. */
export class MessageReader {
  readonly #messageBytesMax: number;
  #parts: Buffer[] = [];
  #bytes = 0;
  #neededBytes = PREFIX_BYTES;

  constructor(messageBytesMax: number) {
    this.#messageBytesMax = messageBytesMax;
  }

  /** True while a message has arrived in part. */
  get isWithinMessage(): boolean {
    return this.#bytes > 0;
  }

  /** Returns the messages that are complete now. @throws LeverError `too_large`, `not_supported` */
  push(chunk: Buffer): Buffer[] {
    this.#parts.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes < this.#neededBytes) return [];
    const bytes = this.#parts.length === 1 ? chunk : Buffer.concat(this.#parts, this.#bytes);
    const messages: Buffer[] = [];
    let offset = 0;
    this.#neededBytes = PREFIX_BYTES;
    while (bytes.length - offset >= PREFIX_BYTES) {
      const length = this.#readPrefix(bytes, offset);
      const end = offset + PREFIX_BYTES + length;
      if (end > bytes.length) {
        this.#neededBytes = PREFIX_BYTES + length;
        break;
      }
      messages.push(bytes.subarray(offset + PREFIX_BYTES, end));
      offset = end;
    }
    this.#bytes = bytes.length - offset;
    this.#parts = this.#bytes === 0 ? [] : [bytes.subarray(offset)];
    return messages;
  }

  #readPrefix(bytes: Buffer, offset: number): number {
    const length = bytes.readUInt32BE(offset + 1);
    if (length > this.#messageBytesMax) {
      throw new LeverError(
        "too_large",
        `Cannot read the message: its ${length} bytes are over the limit of ${this.#messageBytesMax}.`,
      );
    }
    if (bytes[offset] !== 0) {
      throw new LeverError(
        "not_supported",
        "Cannot read the message: it is compressed. Send it without compression.",
      );
    }
    return length;
  }
}

/** Adds the prefix to a message. */
export function frameMessage(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, PREFIX_BYTES);
  return frame;
}
