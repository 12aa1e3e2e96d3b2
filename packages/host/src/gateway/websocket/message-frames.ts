import { PAYLOAD_BYTES } from "@leveros/protocol";
import type { Message } from "../message-writer.ts";

/** A longer payload is written without a copy. */
const COPY_BYTES_MAX = 4 * 1024;
/** The first byte of a message in one frame (RFC 6455, 5.2). */
const TEXT = 0x81;
const BINARY = 0x82;
/** Lengths that announce a length of 16 and of 64 bits. */
const LENGTH_16 = 126;
const LENGTH_64 = 127;

/** The frames of messages to a WebSocket, in as few pieces as copies of payloads allow. */
export function framesOf(messages: readonly Message[]): Uint8Array[] {
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
