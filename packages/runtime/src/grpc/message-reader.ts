import { ArrivingBody, type BodyMemory, LeverError } from "@leveros/protocol";

/** The prefix of a gRPC message: one byte, 1 = compressed, then its length in four bytes. */
const PREFIX_BYTES = 5;

const MEMORY: BodyMemory<Buffer> = {
  empty: Buffer.alloc(0),
  acquire: (bytes) => Buffer.allocUnsafeSlow(bytes),
  release() {},
};

/** Splits received bytes into gRPC messages. A message over the limit is refused before it is stored. */
export class MessageReader {
  readonly #messageBytesMax: number;
  /** The message that has arrived in part, with its prefix. */
  #arriving: ArrivingBody<Buffer> | undefined;
  /** Its length, as far as it is known. */
  #neededBytes = 0;

  /** The coding of compressed messages, `grpc-encoding`; undefined = there are none. */
  encoding: string | undefined;

  constructor(messageBytesMax: number, encoding?: string) {
    this.#messageBytesMax = messageBytesMax;
    this.encoding = encoding;
  }

  /** Bytes of the message that has arrived in part. */
  get pendingBytes(): number {
    return this.#arriving === undefined ? 0 : this.#arriving.bytes;
  }

  /** True while a message has arrived in part. */
  get isWithinMessage(): boolean {
    return this.pendingBytes > 0;
  }

  /** Returns the messages that are complete now. @throws LeverError `too_large`, `not_supported` */
  push(chunk: Buffer): Buffer[] {
    const messages: Buffer[] = [];
    let at = 0;
    while (at < chunk.length) {
      const arriving = this.#arriving;
      if (arriving === undefined) {
        const end = this.#endOf(chunk, at);
        if (end === undefined || end > chunk.length) {
          const isLengthKnown = end !== undefined;
          const bytesMax = isLengthKnown ? end - at : PREFIX_BYTES + this.#messageBytesMax;
          this.#arriving = new ArrivingBody(MEMORY, { bytesMax, isLengthKnown });
          this.#neededBytes = PREFIX_BYTES;
          continue;
        }
        messages.push(this.#read(chunk.subarray(at, end)));
        at = end;
        continue;
      }
      const taken = Math.min(this.#neededBytes - arriving.bytes, chunk.length - at);
      arriving.add(chunk.subarray(at, at + taken));
      at += taken;
      if (arriving.bytes < this.#neededBytes) break;
      this.#neededBytes = this.#endOf(arriving.body, 0) ?? PREFIX_BYTES;
      if (arriving.bytes < this.#neededBytes) continue;
      messages.push(this.#read(arriving.body));
      this.#arriving = undefined;
    }
    return messages;
  }

  /** The end of the message that begins here; undefined = its prefix has not arrived. */
  #endOf(bytes: Buffer, at: number): number | undefined {
    if (bytes.length - at < PREFIX_BYTES) return undefined;
    return at + PREFIX_BYTES + this.#readPrefix(bytes, at);
  }

  #readPrefix(bytes: Buffer, offset: number): number {
    const length = bytes.readUInt32BE(offset + 1);
    if (length > this.#messageBytesMax) {
      throw new LeverError(
        "too_large",
        `Cannot read the message: its ${length} bytes are over the limit of ${this.#messageBytesMax}.`,
      );
    }
    if (bytes[offset] !== 0 && !isGzip(this.encoding)) {
      throw new LeverError(
        "not_supported",
        "Cannot read the message: it is compressed. Send it without compression, or with grpc-encoding: gzip.",
      );
    }
    return length;
  }

  /** The message in a frame. */
  #read(frame: Buffer): Buffer {
    const message = frame.subarray(PREFIX_BYTES);
    return frame[0] === 0 ? message : decompress(message, this.#messageBytesMax);
  }
}

/** The codings that Lever reads and writes. */
export const ACCEPTED_ENCODINGS = "identity,gzip";

export function isGzip(encoding: string | undefined): boolean {
  return encoding?.toLowerCase() === "gzip";
}

/** Decodes what is no larger than the limit. As the message is decoded at once afterwards, that takes most of the time. */
function decompress(message: Buffer, bytesMax: number): Buffer {
  try {
    return nodeZlib().gunzipSync(message, { maxOutputLength: bytesMax });
  } catch (error) {
    const isTooLarge =
      error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE";
    if (!isTooLarge) throw error;
    throw new LeverError(
      "too_large",
      `Cannot read the message: decompressed, it is over the limit of ${bytesMax} bytes.`,
    );
  }
}

/** Loaded when it is needed: most instances never see a compressed message. */
function nodeZlib(): typeof import("node:zlib") {
  return process.getBuiltinModule("node:zlib");
}

/** Shorter messages gain nothing. */
const COMPRESSED_FROM_BYTES = 1024;

/** Compresses a message; undefined = it is not worth it. */
export function compressMessage(message: Uint8Array): Buffer | undefined {
  if (message.length < COMPRESSED_FROM_BYTES) return undefined;
  return nodeZlib().gzipSync(message, { level: 1 });
}

/** The prefix of a message. */
export function messagePrefix({ length }: Uint8Array, isCompressed = false): Buffer {
  const prefix = Buffer.allocUnsafe(PREFIX_BYTES);
  prefix[0] = isCompressed ? 1 : 0;
  prefix.writeUInt32BE(length, 1);
  return prefix;
}

/** Adds the prefix to a message. */
export function frameMessage(message: Uint8Array): Buffer {
  return Buffer.concat([messagePrefix(message), message]);
}
