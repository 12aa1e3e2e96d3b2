import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { HttpRequest } from "./exchange.ts";

/** A caller that still sends after its response gets this long before its connection is closed. */
export const LINGER_MS = 5_000;

/**
 * Reads and drops the rest of a request that is answered. Closing the connection with unread bytes would reset it, and the
 * caller may lose the response (RFC 9112, 9.6).
 */
export function discardBody(request: HttpRequest): void {
  if (request.complete) return;
  const timer = setTimeout(() => request.destroy(), LINGER_MS);
  const closeNow =
    request.httpVersionMajor === 1 ? delayClose(request.socket as Socket) : undefined;
  request.on("data", () => {});
  request.on("end", () => {
    clearTimeout(timer);
    closeNow?.();
  });
  request.on("error", () => clearTimeout(timer));
  request.resume();
}

/** Does the same with the rest of a connection, and closes it after the time at the latest. */
export function discardRest(socket: Duplex, timeoutMs: number): void {
  const timer = setTimeout(() => socket.destroy(), timeoutMs);
  socket.on("close", () => clearTimeout(timer));
  socket.resume();
}

/** Ends a connection of HTTP/1.1, and drops what still arrives. */
export function endConnection(socket: Duplex): void {
  discardRest(socket, LINGER_MS);
  socket.end();
}

/**
 * Node's server closes a connection without keep-alive when the response is written. From here on it only ends its own
 * side; the returned function closes what Node has closed meanwhile.
 */
function delayClose(socket: Socket): () => void {
  let isClosed = false;
  socket.destroySoon = () => {
    isClosed = true;
    socket.end();
  };
  return () => {
    // Restores the method of the class.
    Reflect.deleteProperty(socket, "destroySoon");
    if (isClosed) socket.destroySoon();
  };
}
