import { nodeBuffer } from "./node-buffer.ts";

/** Deeper JSON is refused. What is shorter in bytes cannot be deeper, so small bodies cost no look. */
export const JSON_DEPTH_MAX = 10_000;
/** JSON with more arrays and objects is refused, unless they have 16 bytes each. */
export const JSON_PARTS_MAX = 250_000;
const BYTES_OF_PART = 16;

/** So many arrays, and as many objects, are found by their first bytes. */
const FEW_PARTS = 32;

const OPENING_BRACE = 0x7b;
const OPENING_BRACKET = 0x5b;
const CLOSING_BRACE = 0x7d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** Turns a bracket into a brace. */
const CASE_BIT = 0x20;

/**
 * Finds out why JSON text would take far more memory as a value than as text: a nested `[` takes 60 times its byte. undefined
 * = it would not. The reason is the end of a sentence.
 */
export function jsonExcess(text: Uint8Array): string | undefined {
  if (text.length <= JSON_DEPTH_MAX || hasFewParts(text)) return undefined;
  const partsMax = Math.max(JSON_PARTS_MAX, text.length / BYTES_OF_PART);
  let parts = 0;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const byte = text[at] ?? 0;
    if (byte === QUOTE) at = endOfString(text, at);
    else if ((byte | CASE_BIT) === OPENING_BRACE) {
      if (++depth > JSON_DEPTH_MAX) return `is nested deeper than ${JSON_DEPTH_MAX} levels`;
      if (++parts > partsMax) return `has more than ${Math.floor(partsMax)} arrays and objects`;
    } else if ((byte | CASE_BIT) === CLOSING_BRACE) depth--;
  }
  return undefined;
}

/** The index of the quote that ends the string that begins here, or the length of a text without one. */
function endOfString(text: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== QUOTE) at += text[at] === BACKSLASH ? 2 : 1;
  return at;
}

/** Most large texts are long strings, which Node searches a hundred times as fast as a loop can look at each byte. */
function hasFewParts(text: Uint8Array): boolean {
  const view = nodeBuffer?.Buffer.from(text.buffer, text.byteOffset, text.length);
  if (view === undefined) return false;
  return [OPENING_BRACKET, OPENING_BRACE].every((byte) => {
    let at = -1;
    for (let found = 0; found <= FEW_PARTS; found++) {
      at = view.indexOf(byte, at + 1);
      if (at === -1) return true;
    }
    return false;
  });
}
