import type { IncomingHttpHeaders } from "node:http";

/** An entity tag (RFC 9110, 8.8.3). */
const TAG = /(W\/)?("[!#-~\x80-\xff]*")/g;
/** One range of bytes (RFC 9110, 14.1.2). */
const RANGE = /^bytes=[\t ]*(\d*)-(\d*)[\t ]*$/i;

/**
 * Checks the conditions of a request for a file (RFC 9110, 13.2.2). Files have no date, so conditions on dates are ignored, as
 * 13.1.3 and 13.1.4 want.
 */
export function checkConditions(
  headers: IncomingHttpHeaders,
  tag: string,
): "send" | "notModified" | "failed" {
  const { "if-match": ifMatch, "if-none-match": ifNoneMatch } = headers;
  if (ifMatch !== undefined && !isListed(ifMatch, tag, false)) return "failed";
  return ifNoneMatch !== undefined && isListed(ifNoneMatch, tag, true) ? "notModified" : "send";
}

function isListed(list: string, tag: string, isWeakEnough: boolean): boolean {
  if (list.trim() === "*") return true;
  for (const [, weak, listed] of list.matchAll(TAG)) {
    if (listed === tag && (weak === undefined || isWeakEnough)) return true;
  }
  return false;
}

/** The first and the last byte. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/**
 * The range of a file that a GET asks for. undefined = the complete file: it asks for several ranges, for another unit, or for
 * a range of another content (If-Range).
 */
export function askedRange(
  { range, "if-range": ifRange }: IncomingHttpHeaders,
  tag: string,
  bytes: number,
): ByteRange | "unsatisfiable" | undefined {
  const [, from, to] = RANGE.exec(range ?? "") ?? [];
  if (from === undefined || to === undefined || (from === "" && to === "")) return undefined;
  if (ifRange !== undefined && ifRange !== tag) return undefined;
  if (from === "") {
    const length = Math.min(Number(to), bytes);
    return length === 0 ? "unsatisfiable" : { first: bytes - length, last: bytes - 1 };
  }
  const first = Number(from);
  if (to !== "" && Number(to) < first) return undefined;
  if (first >= bytes) return "unsatisfiable";
  return { first, last: to === "" ? bytes - 1 : Math.min(Number(to), bytes - 1) };
}
