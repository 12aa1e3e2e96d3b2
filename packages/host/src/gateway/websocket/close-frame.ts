import type { LeverError } from "@leveros/protocol";

/** The stream has ended (RFC 6455, 7.4). */
export const CLOSE_DONE = 1000;
/** The method has failed. Codes from 4000 on are the application's. */
export const CLOSE_METHOD_FAILED = 4000;

/** Lever's own errors: 4000 + the HTTP status of the same error. */
export function closeCode(error: LeverError): number {
  return 4000 + error.toProblem().status;
}

/** A close frame has at most 125 bytes (RFC 6455, 5.5). Its code takes two of them. */
const REASON_BYTES_MAX = 123;

/** The beginning of a text that fits a close frame, without a part of a character at its end. */
export function closeReason(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= REASON_BYTES_MAX) return text;
  return bytes
    .subarray(0, REASON_BYTES_MAX)
    .toString("utf8")
    .replace(/\uFFFD+$/, "");
}
