import { decodeValue, type PayloadKind } from "@leveros/protocol";
import { connectionFields, isLevers, namesIn } from "./request-fields.ts";

/** The head of a service's answer. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;
  /** Bytes of the body that the head declares; undefined = it does not. */
  readonly contentLength: number | undefined;
}

const NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
const VALUE = /^[\t -~\x80-\xff]*$/;
const LENGTH = /^\d{1,15}$/;
/** A character of JSON takes at most six bytes. */
const JSON_BYTES_MAX = 6;

/** Fields that the gateway itself writes. */
const OWN_FIELDS: ReadonlySet<string> = new Set(["content-length", "date"]);

/** The answer to a request for a WebSocket that the program accepts. */
export const SWITCHING_PROTOCOLS = 101;

/**
 * Reads the first message of an answer, which any program could have sent. Returns what is wrong with it, as the end of a
 * sentence. `isUpgrade`: the status may be 101.
 */
export function parseResponseHead(
  kind: PayloadKind,
  bytes: Uint8Array,
  headerBytesMax: number,
  isUpgrade = false,
): ResponseHead | string {
  if (bytes.length > headerBytesMax * JSON_BYTES_MAX) return tooLarge(headerBytesMax);
  const value = readJson(kind, bytes);
  if (!Array.isArray(value)) return "its head is not JSON";
  const [status, fields]: unknown[] = value;
  if (typeof status !== "number" || !Number.isInteger(status) || !isFinal(status, isUpgrade)) {
    return "its status is not a number from 200 to 599";
  }
  if (!Array.isArray(fields)) return "it has no list of header fields";
  // Without a prototype, because services choose the names.
  const headers = Object.create(null) as Record<string, string | string[]>;
  let fieldBytes = 0;
  let connection: string | undefined;
  for (let at = 0; at < fields.length; at += 2) {
    const name: unknown = fields[at];
    const content: unknown = fields[at + 1];
    if (typeof name !== "string" || typeof content !== "string") return "a header field is no text";
    fieldBytes += name.length + content.length + 4;
    if (fieldBytes > headerBytesMax) return tooLarge(headerBytesMax);
    if (!NAME.test(name) || !VALUE.test(content))
      return "a header field has a character that is not allowed";
    if (name === "connection") connection = content;
    if (connectionFields.has(name) || isLevers(name)) continue;
    const before = headers[name];
    if (before === undefined) headers[name] = content;
    else headers[name] = typeof before === "string" ? [before, content] : [...before, content];
  }
  const declared = headers["content-length"];
  for (const name of [...OWN_FIELDS, ...(namesIn(connection) ?? [])]) delete headers[name];
  const hasLength = typeof declared === "string" && LENGTH.test(declared);
  return { status, headers, contentLength: hasLength ? Number(declared) : undefined };
}

function isFinal(status: number, isUpgrade: boolean): boolean {
  return (status >= 200 && status <= 599) || (isUpgrade && status === SWITCHING_PROTOCOLS);
}

function readJson(kind: PayloadKind, bytes: Uint8Array): unknown {
  try {
    return decodeValue(kind, bytes);
  } catch {
    return undefined;
  }
}

function tooLarge(bytesMax: number): string {
  return `its headers have more than the ${bytesMax} bytes of the limit headerBytesMax`;
}
