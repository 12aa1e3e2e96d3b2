/** Bytes that a service may keep: a copy when the view is only a part of the received memory. */
export function toOwnedBuffer(bytes: Uint8Array): Buffer {
  return bytes.byteLength === bytes.buffer.byteLength
    ? Buffer.from(bytes.buffer as ArrayBuffer)
    : Buffer.from(bytes);
}
