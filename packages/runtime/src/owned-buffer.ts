/** Bytes that a service may keep: a copy where the view shows only a part of what arrived together with it. */
export function toOwnedBuffer(bytes: Uint8Array): Buffer {
  return bytes.byteLength === bytes.buffer.byteLength
    ? Buffer.from(bytes.buffer as ArrayBuffer)
    : Buffer.from(bytes);
}
