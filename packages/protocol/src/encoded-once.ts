import type { PayloadKind } from "./call.ts";

/** A longer payload is not kept: it crosses a link for each stream. */
const KEPT_BYTES_MAX = 64 * 1024;

type Encode<Encoded> = (kind: PayloadKind, bytes: Uint8Array) => Encoded;

/** An encoder that keeps its last result, so that a message to many streams in turn is encoded once. */
export function encodedOnce<Encoded>(encode: Encode<Encoded>): Encode<Encoded> {
  let last: { kind: PayloadKind; bytes: Uint8Array; encoded: Encoded } | undefined;
  return (kind, bytes) => {
    if (last !== undefined && bytes === last.bytes && kind === last.kind) return last.encoded;
    const encoded = encode(kind, bytes);
    last = bytes.length > KEPT_BYTES_MAX ? undefined : { kind, bytes, encoded };
    return encoded;
  };
}
