import type { IncomingHttpHeaders } from "node:http";
import {
  isLinkUpgrade,
  isStreamingName,
  type LeverUrl,
  type Limits,
  type PayloadKind,
  parseLeverPath,
} from "@leveros/protocol";
import { isGrpcType, payloadKind } from "../payload-kind.ts";
import { plainTarget, plainTargetIn } from "../plain-target.ts";

/** The head of a plain request: it names a regular method, and its body is sent as it is. */
export interface PlainHead {
  readonly headers: IncomingHttpHeaders;
  readonly target: LeverUrl;
  /** Parameters may name the environment and the deadline. */
  readonly hasParameters: boolean;
  readonly kind: PayloadKind;
  /** The deadline that the caller asks for; 0 = none. */
  readonly askedMs: number;
  /** The length of the body; undefined = it comes in chunks. */
  readonly bodyBytes: number | undefined;
  /** The caller wants the connection to be closed after the response. */
  readonly isLast: boolean;
}

/**
 * RFC 9112: a request line and field lines in the strict form that senders must use. A form that only lenient parsers
 * accept, or that two parsers read differently, is not plain.
 */
const HEAD =
  /^POST (\/[!-~]*) HTTP\/1\.1\r\n((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~\x80-\xff]*\r\n)+)\r\n$/;
const REQUEST_LINE = /^POST (\/[!-~]*) HTTP\/1\.1$/;
/** The head of a request that is not plain, in the same form. */
const OTHER_HEAD =
  /^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (\/[!-~]*) HTTP\/1\.1\r\n((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~\x80-\xff]*\r\n)+)\r\n$/;
/** The beginning of a head: the first lines, and a part of the next line. */
const HEAD_START =
  /^(?:P|PO|POS|POST|POST (?:\/[!-~]*(?: (?:H|HT|HTT|HTTP|HTTP\/|HTTP\/1|HTTP\/1\.|HTTP\/1\.1\r?)?)?)?|POST \/[!-~]* HTTP\/1\.1\r\n((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~\x80-\xff]*\r\n)*)(?:\r|[!#$%&'*+.^_`|~0-9A-Za-z-]+(?::[\t -~\x80-\xff]*\r?)?)?)$/;
/** The end of a head. */
export const HEAD_END = "\r\n\r\n";
const BODY_BYTES = /^\d{1,9}$/;
/** Options of a connection, in lower case. */
const OPTIONS = /^[a-z0-9-]+(?:[\t ]*,[\t ]*[a-z0-9-]+)*$/;
const CLOSE = /(?:^|[\t ,])close(?:[\t ,]|$)/;

/** Fields that only Node's server reads, such as one for an interim response. */
const NOT_READ: ReadonlySet<string> = new Set(["te", "expect", "proxy-connection"]);

/** Lists that callers and proxies send in more than one line. Parsers differ on all other repeated fields. */
const LISTS: ReadonlySet<string> = new Set([
  "accept",
  "accept-encoding",
  "accept-language",
  "cache-control",
  "cookie",
  "forwarded",
  "via",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
]);

/** Parses the head of a request, with the empty line at its end; undefined = it is malformed, or not plain. */
export function parsePlainHead(
  text: string,
  limits: Pick<Limits, "callTimeoutMaxMs">,
): PlainHead | undefined {
  const [, path, fields] = HEAD.exec(text) ?? [];
  if (path === undefined || fields === undefined) return undefined;
  const headers = parseHeaders(fields);
  if (headers === undefined || headers["content-encoding"] !== undefined) return undefined;
  // All other upgrades are ignored, as `isOffered` of Node's server does.
  if (isLinkUpgrade(headers.upgrade)) return undefined;
  if (isGrpcType(headers["content-type"])) return undefined;
  const called = plainTarget(path, headers, limits);
  if (called === undefined) return undefined;
  const { target, askedMs } = called;
  const kind = payloadKind(headers["content-type"]);
  const isChunked = headers["transfer-encoding"] !== undefined;
  const bodyBytes = isChunked ? undefined : Number(headers["content-length"] ?? "0");
  const hasParameters = path.includes("?");
  const isLast = isLastRequest(headers);
  return { headers, target, hasParameters, kind, askedMs, bodyBytes, isLast };
}

/** The head of another request, with a body of known length. */
export interface OtherHead {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly bodyBytes: number;
  readonly isLast: boolean;
}

/**
 * Parses the head of a request that is not plain; undefined = it is malformed, or for Node's server: for a stream, in chunks, or
 * for another protocol.
 */
export function parseOtherHead(text: string): OtherHead | undefined {
  const [, method, url, fields] = OTHER_HEAD.exec(text) ?? [];
  if (method === undefined || url === undefined || fields === undefined) return undefined;
  const headers = parseHeaders(fields);
  if (headers?.["transfer-encoding"] !== undefined || headers?.upgrade !== undefined) {
    return undefined;
  }
  if (headers === undefined || isStreamUrl(url)) return undefined;
  const bodyBytes = Number(headers["content-length"] ?? "0");
  return { method, url, headers, bodyBytes, isLast: isLastRequest(headers) };
}

/** The head of a request to a streaming method, whose body is passed on as it arrives. */
export interface StreamedHead extends Omit<OtherHead, "bodyBytes"> {
  /** undefined = the body comes in chunks. */
  readonly bodyBytes: number | undefined;
}

/** Parses the head of such a request; undefined = it is malformed, or for Node's server. */
export function parseStreamedHead(text: string): StreamedHead | undefined {
  const [, url, fields] = HEAD.exec(text) ?? [];
  if (url === undefined || fields === undefined || !isStreamUrl(url)) return undefined;
  const headers = parseHeaders(fields);
  if (headers === undefined || headers.upgrade !== undefined) return undefined;
  const isChunked = headers["transfer-encoding"] !== undefined;
  const bodyBytes = isChunked ? undefined : Number(headers["content-length"] ?? "0");
  return { method: "POST", url, headers, bodyBytes, isLast: isLastRequest(headers) };
}

function isStreamUrl(url: string): boolean {
  try {
    return isStreamingName(parseLeverPath(url.split("?", 1)[0] ?? "").method);
  } catch {
    return false;
  }
}

/** undefined = they are not in the strict form, or only Node's server reads them. */
function parseHeaders(fields: string): IncomingHttpHeaders | undefined {
  const headers = parseFields(fields);
  if (headers?.host === undefined || !isFramed(headers)) return undefined;
  const connection = headers.connection?.toLowerCase() ?? "";
  return connection === "" || OPTIONS.test(connection) ? headers : undefined;
}

function isLastRequest({ connection = "" }: IncomingHttpHeaders): boolean {
  return CLOSE.test(connection.toLowerCase());
}

/** A plain head with another request line; undefined = that is malformed, or not plain. */
export function withRequestLine(
  last: PlainHead,
  line: string,
  limits: Pick<Limits, "callTimeoutMaxMs">,
): PlainHead | undefined {
  const [, path] = REQUEST_LINE.exec(line) ?? [];
  if (path === undefined) return undefined;
  const { headers, kind, bodyBytes, isLast } = last;
  const hasParameters = path.includes("?");
  if (!hasParameters && !last.hasParameters) {
    const target = plainTargetIn(last.target.environment, path);
    const { askedMs } = last;
    return target && { headers, target, hasParameters, kind, askedMs, bodyBytes, isLast };
  }
  const called = plainTarget(path, headers, limits);
  if (called === undefined) return undefined;
  const { target, askedMs } = called;
  return { headers, target, hasParameters, kind, askedMs, bodyBytes, isLast };
}

/** False = no head that begins like this is plain. */
export function isPlainStart(text: string): boolean {
  const start = HEAD_START.exec(text);
  if (start === null) return false;
  const headers = parseFields(start[1] ?? "");
  return headers !== undefined && isFramed(headers);
}

/** The body's length is known, or it comes in chunks. A request with both is an attack on parsers that differ. */
function isFramed(headers: IncomingHttpHeaders): boolean {
  const coding = headers["transfer-encoding"];
  const length = headers["content-length"];
  if (coding === undefined) return length === undefined || BODY_BYTES.test(length);
  return length === undefined && coding.toLowerCase() === "chunked";
}

function parseFields(fields: string): IncomingHttpHeaders | undefined {
  // Without a prototype, because callers choose the names.
  const headers = Object.create(null) as IncomingHttpHeaders;
  for (let start = 0; start < fields.length; ) {
    const end = fields.indexOf("\r\n", start);
    const colon = fields.indexOf(":", start);
    const name = fields.slice(start, colon).toLowerCase();
    if (NOT_READ.has(name)) return undefined;
    const value = trimmed(fields, colon + 1, end);
    const before = headers[name];
    if (before === undefined) headers[name] = value;
    else if (LISTS.has(name)) headers[name] = `${String(before)}, ${value}`;
    else return undefined;
    start = end + 2;
  }
  return headers;
}

/** A part of the text without the spaces and tabs around it. `trim()` would also remove U+00A0 and others. */
function trimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

/** White space of field values (RFC 9110, 5.6.3). */
function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
