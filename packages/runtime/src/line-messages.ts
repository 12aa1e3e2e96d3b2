import {
  decodeText,
  decodeValue,
  encodeText,
  JSON_DEPTH_MAX,
  jsonExcess,
  PAYLOAD_BYTES,
  type PayloadKind,
} from "@leveros/protocol";
import { toOwnedBuffer } from "./owned-buffer.ts";

const NEWLINE = 10;
const RETURN = 13;
/** A mark that text in UTF-8 may begin with. */
const BYTE_ORDER_MARK = 0xfeff;

/** Returned when no message is left. */
export const NO_MESSAGE: unique symbol = Symbol("no message");

/** Reads one message. @throws Error when it is not JSON in UTF-8, RangeError as `jsonExcess`. */
export function readMessage(kind: PayloadKind, bytes: Uint8Array): unknown {
  if (kind === PAYLOAD_BYTES) return toOwnedBuffer(bytes);
  const excess = jsonExcess(bytes);
  if (excess !== undefined) throw new RangeError(excess);
  return decodeValue(kind, bytes);
}

/** Messages that have arrived, and are decoded when they are read. */
export interface UnreadMessages {
  /** The next message, or `NO_MESSAGE`. @throws as `readMessage`. */
  next(): unknown;
}

/** A single message that follows others. */
export function unreadMessage(kind: PayloadKind, bytes: Uint8Array): UnreadMessages {
  let isRead = false;
  return {
    next() {
      if (isRead) return NO_MESSAGE;
      isRead = true;
      return readMessage(kind, bytes);
    },
  };
}

/**
 * The messages of a payload of lines. They are decoded together, and each is parsed when it is read: parsed messages may take
 * many times the memory of their text.
 */
export class LineMessages implements UnreadMessages {
  readonly #text: string;
  #at = 0;

  /** @throws TypeError when the lines are not UTF-8. */
  constructor(bytes: Uint8Array) {
    this.#text = decodeText(bytes);
  }

  next(): unknown {
    const text = this.#text;
    while (this.#at < text.length) {
      const start = this.#at;
      const newline = text.indexOf("\n", start);
      const end = newline === -1 ? text.length : newline;
      this.#at = end + 1;
      if (end === start || (end === start + 1 && text.charCodeAt(start) === RETURN)) continue;
      // Decoding removes the mark of the first line.
      const hasMark = start > 0 && text.charCodeAt(start) === BYTE_ORDER_MARK;
      const line = text.slice(hasMark ? start + 1 : start, end);
      const excess = line.length > JSON_DEPTH_MAX ? jsonExcess(encodeText(line)) : undefined;
      if (excess !== undefined) throw new RangeError(excess);
      return JSON.parse(line);
    }
    return NO_MESSAGE;
  }
}

/** The lines of a payload, without empty ones. */
export function splitLines(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline === -1 ? bytes.length : newline;
    const isEmpty = end === start || (end === start + 1 && bytes[start] === RETURN);
    if (!isEmpty) lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return lines;
}
