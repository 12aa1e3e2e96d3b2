import { PAYLOAD_BYTES, PAYLOAD_JSON, type PayloadKind } from "./call.ts";
import { jsonExcess } from "./json-excess.ts";
import { nodeBuffer } from "./node-buffer.ts";
import { plainText } from "./plain-text.ts";

/** A value as it is transferred. */
export interface Payload {
  readonly kind: PayloadKind;
  readonly bytes: Uint8Array;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/** Short texts share a buffer: allocating one for each would cost more than encoding the text. */
const SHARED_BYTES = 16 * 1024;
const SHARED_TEXT_MAX = 1024;
let shared = new Uint8Array(0);
let sharedEnd = 0;

/** The last text, so that a message to many streams is encoded once. Longer ones are not kept. */
const LAST_TEXT_MAX = 64 * 1024;
let lastText = "";
let lastBytes: Uint8Array = new Uint8Array(0);

/** Encodes as UTF-8. The result must not be changed: the same text may get it again. */
export function encodeText(text: string): Uint8Array {
  if (text === lastText) return lastBytes;
  const bytes = newBytes(text);
  if (text.length <= LAST_TEXT_MAX) {
    lastText = text;
    lastBytes = bytes;
  }
  return bytes;
}

function newBytes(text: string): Uint8Array {
  if (text.length > SHARED_TEXT_MAX) return encoder.encode(text);
  // One UTF-16 unit is at most three bytes of UTF-8.
  if (sharedEnd + text.length * 3 > shared.length) {
    shared = new Uint8Array(SHARED_BYTES);
    sharedEnd = 0;
  }
  const start = sharedEnd;
  sharedEnd += encoder.encodeInto(text, shared.subarray(start)).written;
  return shared.subarray(start, sharedEnd);
}

/**
 * Encodes a value as `valuePayload` does, if JSON surely represents all of it; undefined = that is to be found out. An instance
 * loads the code for that, 0.1 MB, when it is needed.
 */
export function plainPayload(value: unknown): Payload | undefined {
  if (value instanceof Uint8Array) return { kind: PAYLOAD_BYTES, bytes: value };
  const text = plainText(value);
  return text === undefined ? undefined : { kind: PAYLOAD_JSON, bytes: encodeText(text) };
}

/**
 * Decodes a payload. Bytes are returned as they are, without a copy.
 * @throws SyntaxError or TypeError when it is not JSON in UTF-8.
 */
export function decodeValue(kind: PayloadKind, bytes: Uint8Array): unknown {
  return kind === PAYLOAD_BYTES ? bytes : JSON.parse(decodeText(bytes));
}

/** Decodes the arguments of a call, or returns why they are invalid, as the end of an error sentence. */
export function decodeArguments(kind: PayloadKind, bytes: Uint8Array): unknown[] | string {
  if (kind === PAYLOAD_BYTES) return [bytes];
  const excess = jsonExcess(bytes);
  if (excess !== undefined) return `the body ${excess}`;
  let value: unknown;
  try {
    value = decodeValue(kind, bytes);
  } catch (error) {
    return `the body is not JSON (${error instanceof Error ? error.message : String(error)})`;
  }
  if (!Array.isArray(value)) {
    const found = value === null ? "null" : typeof value;
    return `the body is ${found === "object" ? "an object" : found === "null" ? "null" : `a ${found}`}, not a JSON array of arguments`;
  }
  return value;
}

/**
 * Decodes UTF-8. Most text is only ASCII, which Node reads several times as fast as a latin1 string.
 * @throws TypeError when it is not UTF-8.
 */
export function decodeText(bytes: Uint8Array): string {
  if (nodeBuffer === undefined || !nodeBuffer.isAscii(bytes)) return decoder.decode(bytes);
  return nodeBuffer.Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}
