import type { FetchRequestHead } from "@leveros/protocol";

/** How the body of a request is sent. `bytes`: those that its content-length announces. */
export type RequestFraming =
  | { readonly kind: "none" }
  | { readonly kind: "chunked" }
  | { readonly kind: "sized"; readonly bytes: number }
  | { readonly kind: "upgrade" };

const CRLF = "\r\n";
const LENGTH = /^\d{1,15}$/;

/**
 * The head of a request as HTTP/1.1, in Latin-1, and how its body follows. The gateway has checked the fields, and dropped those
 * of its own connection. `own`: further fields, in lines.
 */
export function requestText(
  [method, url, fields, hasBody, upgrade]: FetchRequestHead,
  own = "",
): { readonly text: string; readonly framing: RequestFraming } {
  const path = url.indexOf("/", url.indexOf("//") + 2);
  let text = `${method} ${path === -1 ? "/" : url.slice(path)} HTTP/1.1${CRLF}`;
  let length: string | undefined;
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] ?? "";
    const value = fields[at + 1] ?? "";
    // Lever writes what frames the request.
    if (name === "content-length") length = length === undefined ? value : "";
    else text += `${name}: ${value}${CRLF}`;
  }
  text += own;
  if (upgrade !== undefined) {
    text += `connection: upgrade${CRLF}upgrade: ${upgrade}${CRLF}${CRLF}`;
    return { text, framing: { kind: "upgrade" } };
  }
  if (!hasBody) {
    if (length === "0") text += `content-length: 0${CRLF}`;
    return { text: text + CRLF, framing: { kind: "none" } };
  }
  if (length !== undefined && LENGTH.test(length)) {
    text += `content-length: ${length}${CRLF}${CRLF}`;
    return { text, framing: { kind: "sized", bytes: Number(length) } };
  }
  text += `transfer-encoding: chunked${CRLF}${CRLF}`;
  return { text, framing: { kind: "chunked" } };
}

/** A chunk of a body (RFC 9112, 7.1), as a copy: the memory of the bytes is used again. */
export function chunkOf(bytes: Uint8Array): Buffer {
  const size = `${bytes.length.toString(16)}${CRLF}`;
  const chunk = Buffer.allocUnsafe(size.length + bytes.length + 2);
  chunk.write(size, "latin1");
  chunk.set(bytes, size.length);
  chunk.write(CRLF, size.length + bytes.length, "latin1");
  return chunk;
}

export const LAST_CHUNK: Buffer = Buffer.from(`0${CRLF}${CRLF}`);
