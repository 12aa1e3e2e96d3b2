import http from "node:http";

/** For shorter payloads, a view of words costs more than it saves. */
const WORDS_FROM_BYTES = 64;

/** Removes the mask of a frame's payload, or adds it (RFC 6455, 5.3): four bytes at a time, not one. */
export function unmask(bytes: Uint8Array, mask: Uint8Array): void {
  const { buffer, byteOffset, length } = bytes;
  if (length < WORDS_FROM_BYTES) {
    unmaskBytes(bytes, mask, 0, length);
    return;
  }
  // A view of words begins at a multiple of four.
  const start = -byteOffset & 3;
  unmaskBytes(bytes, mask, 0, start);
  const words = new Int32Array(buffer, byteOffset + start, (length - start) >>> 2);
  const word =
    maskAt(mask, start) |
    (maskAt(mask, start + 1) << 8) |
    (maskAt(mask, start + 2) << 16) |
    (maskAt(mask, start + 3) << 24);
  for (let i = 0; i < words.length; i++) words[i] = (words[i] ?? 0) ^ word;
  unmaskBytes(bytes, mask, start + words.length * 4, length);
}

function unmaskBytes(bytes: Uint8Array, mask: Uint8Array, start: number, end: number): void {
  for (let i = start; i < end; i++) bytes[i] = (bytes[i] ?? 0) ^ maskAt(mask, i);
}

const maskAt = (mask: Uint8Array, index: number): number => mask[index & 3] ?? 0;

/** As `unmask`, from one buffer to another. */
function mask(
  source: Uint8Array,
  maskBytes: Uint8Array,
  output: Uint8Array,
  offset: number,
  length: number,
): void {
  output.set(source.subarray(0, length), offset);
  unmask(output.subarray(offset, offset + length), maskBytes);
}

/**
 * Node 26 has these two functions, in C++, and `ws` uses them where they are. Without them it takes ten times as long for the
 * payload of a large message. Import this file before `ws`.
 */
if (!("websocketUnmask" in http)) {
  Object.assign(http, { websocketMask: mask, websocketUnmask: unmask });
}
