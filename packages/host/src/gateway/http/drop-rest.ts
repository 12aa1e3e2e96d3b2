import type { HttpRequest } from "./exchange.ts";

/** How long a caller may go on sending a body that nobody reads. */
const LINGER_MS = 5_000;

/**
 * Reads and drops what is left of a request that has its answer. Closing the connection at once would take the answer
 * along: the system resets a connection that is closed with bytes unread (RFC 9112, 9.6).
 */
export function dropRest(request: HttpRequest): void {
  if (request.complete) return;
  const timer = setTimeout(() => request.destroy(), LINGER_MS);
  request.on("data", () => {});
  request.on("end", () => clearTimeout(timer));
  request.on("error", () => clearTimeout(timer));
  request.resume();
}
