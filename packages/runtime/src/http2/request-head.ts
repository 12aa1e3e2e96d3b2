import type { IncomingHttpHeaders } from "node:http2";

/** The head of a request that is well-formed (RFC 9113, section 8). */
export interface RequestHead {
  /** With the pseudo-header fields. */
  readonly headers: IncomingHttpHeaders;
  /** undefined = it is not declared. */
  readonly contentLength: number | undefined;
  /** Its fields are over the limit. Those that are not are in `headers`. */
  readonly isTooLong: boolean;
}

const PSEUDO: ReadonlySet<string> = new Set([":method", ":scheme", ":authority", ":path"]);
/** Fields of one connection of HTTP/1 (section 8.2.2). */
const OF_CONNECTION: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);
/** Fields that may be in a request once. */
const ONCE: ReadonlySet<string> = new Set(["content-length", "host"]);
/** Fields whose first value counts, as with Node. The values of others are joined. */
const FIRST_COUNTS: ReadonlySet<string> = new Set([
  "authorization",
  "access-control-request-method",
  "content-encoding",
  "content-type",
  "from",
  "max-forwards",
  "proxy-authorization",
  "referer",
  "user-agent",
]);
const NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
/** Without controls, and without white space at either end (section 8.2.1). */
const VALUE = /^(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?$/;
const METHOD = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const PATH = /^\/[!-~\x80-\xff]*$/;
const LENGTH = /^\d{1,15}$/;

/** Reads a head from names and values in turn; undefined = it is malformed. */
export function readRequestHead(
  fields: readonly string[],
  isTooLong: boolean,
): RequestHead | undefined {
  const headers = Object.create(null) as Record<string, string>;
  let isAfterPseudo = false;
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] ?? "";
    const value = fields[at + 1] ?? "";
    if (!VALUE.test(value)) return undefined;
    if (name.startsWith(":")) {
      if (isAfterPseudo || !PSEUDO.has(name) || name in headers) return undefined;
      headers[name] = value;
      continue;
    }
    isAfterPseudo = true;
    if (!isAllowed(name, value)) return undefined;
    const earlier = headers[name];
    if (earlier === undefined) headers[name] = value;
    else if (ONCE.has(name)) return undefined;
    else if (name === "cookie") headers[name] = `${earlier}; ${value}`;
    else if (!FIRST_COUNTS.has(name)) headers[name] = `${earlier}, ${value}`;
  }
  // The rest may be missing because the list is too long.
  if (!isTooLong && !hasTarget(headers)) return undefined;
  const length = headers["content-length"];
  if (length !== undefined && !LENGTH.test(length)) return undefined;
  const contentLength = length === undefined ? undefined : Number(length);
  return { headers, contentLength, isTooLong };
}

function isAllowed(name: string, value: string): boolean {
  if (name === "te") return value.toLowerCase() === "trailers";
  // Requests do not have it, and Node has a list of its values.
  if (name === "set-cookie") return false;
  return NAME.test(name) && !OF_CONNECTION.has(name);
}

/** Section 8.3.1, and 8.5 for CONNECT. */
function hasTarget(headers: Readonly<Record<string, string>>): boolean {
  const { ":method": method = "", ":path": path, ":scheme": scheme } = headers;
  if (!METHOD.test(method)) return false;
  if (method === "CONNECT") {
    return path === undefined && scheme === undefined && headers[":authority"] !== undefined;
  }
  if (scheme === undefined || path === undefined) return false;
  return PATH.test(path) || (method === "OPTIONS" && path === "*");
}

/** Whether the fields after the content are well-formed (section 8.1). Lever uses none of them. */
export function isTrailers(fields: readonly string[]): boolean {
  for (let at = 0; at < fields.length; at += 2) {
    if (!VALUE.test(fields[at + 1] ?? "") || !isAllowed(fields[at] ?? "", "")) return false;
  }
  return true;
}
