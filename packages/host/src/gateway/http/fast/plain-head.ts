import type { IncomingHttpHeaders } from "node:http";
import {
  isStreamingName,
  LeverError,
  type LeverUrl,
  type Limits,
  type PayloadKind,
} from "@leveros/protocol";
import { askedTimeoutMs } from "../call-timeout.ts";
import { isGrpcType, payloadKind } from "../payload-kind.ts";
import { requestTarget } from "../request-target.ts";

/** The head of a plain request: it names a regular method and its body, and asks for nothing else. */
export interface PlainHead {
  readonly headers: IncomingHttpHeaders;
  readonly target: LeverUrl;
  readonly kind: PayloadKind;
  /** The deadline that the caller asks for; 0 = none. */
  readonly askedMs: number;
  readonly bodyBytes: number;
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
/** The beginning of a head: the first lines, and a part of the next line. */
const HEAD_START =
  /^(?:P|PO|POS|POST|POST (?:\/[!-~]*(?: (?:H|HT|HTT|HTTP|HTTP\/|HTTP\/1|HTTP\/1\.|HTTP\/1\.1\r?)?)?)?|POST \/[!-~]* HTTP\/1\.1\r\n((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~\x80-\xff]*\r\n)*)(?:\r|[!#$%&'*+.^_`|~0-9A-Za-z-]+(?::[\t -~\x80-\xff]*\r?)?)?)$/;
/** The end of a head. */
export const HEAD_END = "\r\n\r\n";
const BODY_BYTES = /^\d{1,9}$/;

/**
 * Fields that need more than this folder can do: another framing or coding of the body, an interim response, another protocol, or
 * CORS headers in the response.
 */
const NOT_PLAIN: ReadonlySet<string> = new Set([
  "transfer-encoding",
  "content-encoding",
  "te",
  "trailer",
  "expect",
  "upgrade",
  "keep-alive",
  "proxy-connection",
  "origin",
]);

/** Parses the head of a request, with the empty line at its end; undefined = it is malformed, or not plain. */
export function parsePlainHead(
  text: string,
  limits: Pick<Limits, "callTimeoutMaxMs">,
): PlainHead | undefined {
  const [, path, fields] = HEAD.exec(text) ?? [];
  if (path === undefined || fields === undefined) return undefined;
  const headers = parseFields(fields);
  if (headers === undefined) return undefined;
  const length = headers["content-length"] ?? "0";
  const connection = headers.connection?.toLowerCase() ?? "keep-alive";
  if (headers.host === undefined) return undefined;
  if (!BODY_BYTES.test(length)) return undefined;
  if (connection !== "keep-alive" && connection !== "close") return undefined;
  if (isGrpcType(headers["content-type"])) return undefined;
  const called = parseTarget(path, headers, limits);
  if (called === undefined) return undefined;
  const { target, askedMs } = called;
  const kind = payloadKind(headers["content-type"]);
  const isLast = connection === "close";
  return { headers, target, kind, askedMs, bodyBytes: Number(length), isLast };
}

/** A plain head with another request line; undefined = that is malformed, or not plain. */
export function withRequestLine(
  { headers, kind, bodyBytes, isLast }: PlainHead,
  line: string,
  limits: Pick<Limits, "callTimeoutMaxMs">,
): PlainHead | undefined {
  const [, path] = REQUEST_LINE.exec(line) ?? [];
  const called = path === undefined ? undefined : parseTarget(path, headers, limits);
  if (called === undefined) return undefined;
  const { target, askedMs } = called;
  return { headers, target, kind, askedMs, bodyBytes, isLast };
}

function parseTarget(
  path: string,
  headers: IncomingHttpHeaders,
  limits: Pick<Limits, "callTimeoutMaxMs">,
): Pick<PlainHead, "target" | "askedMs"> | undefined {
  const request = { url: path, headers };
  const askedMs = askedTimeoutMs(request, limits);
  if (askedMs instanceof LeverError) return undefined;
  try {
    const target = requestTarget(request);
    return isStreamingName(target.method) ? undefined : { target, askedMs };
  } catch {
    // Node's server takes the request, and `serveHttp` answers with the reason.
    return undefined;
  }
}

/** False = no head that begins like this is plain. */
export function isPlainStart(text: string): boolean {
  const start = HEAD_START.exec(text);
  if (start === null) return false;
  const headers = parseFields(start[1] ?? "");
  return headers !== undefined && BODY_BYTES.test(headers["content-length"] ?? "0");
}

function parseFields(fields: string): IncomingHttpHeaders | undefined {
  // Without a prototype, because callers choose the names.
  const headers = Object.create(null) as IncomingHttpHeaders;
  for (const line of fields.split("\r\n")) {
    if (line === "") continue;
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    // Parsers differ on repeated fields.
    if (NOT_PLAIN.has(name) || name.startsWith("sec-") || headers[name] !== undefined) {
      return undefined;
    }
    headers[name] = trimmed(line, colon + 1);
  }
  return headers;
}

/** The text from an index on, without the spaces and tabs around it. `trim()` would also remove U+00A0 and others. */
function trimmed(line: string, from: number): string {
  let start = from;
  let end = line.length;
  while (start < end && isBlank(line.charCodeAt(start))) start++;
  while (end > start && isBlank(line.charCodeAt(end - 1))) end--;
  return line.slice(start, end);
}

/** White space of field values (RFC 9110, 5.6.3). */
function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
