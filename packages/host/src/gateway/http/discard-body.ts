import type { Socket } from "node:net";
import type { HttpRequest } from "./exchange.ts";

/** How long a caller may go on sending a body that nobody reads. */
export const LINGER_MS = 5_000;

/**
 * Reads and drops what is left of a request that has its answer, or gets it now. Closing the connection at once would
 * take the answer along: the system resets a connection that is closed with bytes unread (RFC 9112, 9.6).
 */
export function discardBody(request: HttpRequest): void {
  if (request.complete) return;
  const timer = setTimeout(() => request.destroy(), LINGER_MS);
  const closeInOrder =
    request.httpVersionMajor === 1 ? holdOpen(request.socket as Socket) : undefined;
  request.on("data", () => {});
  request.on("end", () => {
    clearTimeout(timer);
    closeInOrder?.();
  });
  request.on("error", () => clearTimeout(timer));
  request.resume();
}

/**
 * Node's server closes a connection that is not kept as soon as the answer is written. Until the returned function is
 * called, it only ends its own side.
 */
function holdOpen(socket: Socket): () => void {
  let isOver = false;
  socket.destroySoon = () => {
    isOver = true;
    socket.end();
  };
  return () => {
    // That of the class shows again.
    Reflect.deleteProperty(socket, "destroySoon");
    if (isOver) socket.destroySoon();
  };
}
