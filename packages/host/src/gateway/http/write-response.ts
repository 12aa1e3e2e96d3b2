import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { LeverError } from "@leveros/protocol";
import { discardRest } from "./discard-body.ts";
import type { HttpResponse } from "./exchange.ts";
import { Http2Response } from "./http2-exchange.ts";
import { type Headers, problemParts, type ResponseParts } from "./response-parts.ts";

/** A body up to this size is copied, to be written together with its head. */
const ONE_WRITE_BYTES = 16 * 1024;

/** Writes a response through Node's response object. */
export function writeResponse(
  response: HttpResponse,
  { status, headers, body }: ResponseParts,
): void {
  response.writeHead(status, headers);
  // Over HTTP/1.1, Node joins text with the head and writes both at once, which is cheaper than a write of two buffers.
  if (body.length > ONE_WRITE_BYTES || response instanceof Http2Response) response.end(body);
  else response.end(latin1(body), "latin1");
}

/** Writes Lever's own error, unless the head of another response is sent: then only a broken connection can report it. */
export function writeProblem(response: HttpResponse, error: LeverError, more?: Headers): void {
  if (response.headersSent || response.destroyed === true) {
    response.destroy();
    return;
  }
  const { status, headers, body } = problemParts(error);
  writeResponse(response, { status, headers: { ...headers, ...more }, body });
}

/** The head of an HTTP/1.1 response up to the value of its last field, content-length. */
export function openHead(status: number, headers: Headers): string {
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Refused"}\r\n`;
  for (const [name, value] of Object.entries(headers)) {
    if (name !== "content-length") text += `${name}: ${value}\r\n`;
  }
  return `${text}content-length: `;
}

/** Writes an HTTP/1.1 response to a connection without a response object. */
export function writeToSocket(socket: Duplex, head: string, body: Uint8Array): void {
  if (body.length > ONE_WRITE_BYTES) {
    socket.cork();
    socket.write(head, "latin1");
    socket.write(body);
    socket.uncork();
    return;
  }
  socket.write(head + latin1(body), "latin1");
}

/** Writes Lever's own error to a connection without a response object, and ends the connection. */
export function writeProblemAndEnd(socket: Duplex, error: LeverError, more: Headers = {}): void {
  const { status, headers, body } = problemParts(error);
  const open = openHead(status, { ...headers, ...more });
  writeToSocket(socket, `${open}${body.length}\r\nconnection: close\r\n\r\n`, body);
  socket.end();
}

/** Does the same, and closes the connection after the time at the latest, whatever the caller still sends. */
export function rejectConnection(
  socket: Duplex,
  error: LeverError,
  timeoutMs: number,
  more?: Headers,
): void {
  discardRest(socket, timeoutMs);
  writeProblemAndEnd(socket, error, more);
}

/** A string with one character for each byte, which Node writes as it is. */
function latin1(bytes: Uint8Array): string {
  const { buffer, byteOffset, length } = bytes;
  const view = Buffer.isBuffer(bytes) ? bytes : Buffer.from(buffer, byteOffset, length);
  return view.toString("latin1");
}
