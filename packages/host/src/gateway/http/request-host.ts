import type { IncomingMessage } from "node:http";
import { LeverError } from "@leveros/protocol";

/**
 * Checks the host of a request of HTTP/1 (RFC 9112, 3.2). A target in absolute form becomes its path, and its host replaces
 * the Host header (3.2.2), so that no other part sees two hosts. Returns the reason for a refusal.
 */
export function readRequestHost(request: IncomingMessage): LeverError | undefined {
  const hosts = countHosts(request.rawHeaders);
  if (hosts > 1) return malformed("it has more than one Host header");
  if (hosts === 0 && request.httpVersionMinor > 0) return malformed("it has no Host header");
  const { url = "/", headers } = request;
  if (url.startsWith("/") || url === "*") return undefined;
  const [, host, path = ""] = /^https?:\/\/([^/?#]+)([^#]*)$/i.exec(url) ?? [];
  if (host === undefined) return malformed("its target is neither a path nor an http URL");
  headers.host = host;
  request.url = path.startsWith("/") ? path : `/${path}`;
  return undefined;
}

/** Node keeps the first of several. */
function countHosts(rawHeaders: readonly string[]): number {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.length === 4 && rawHeaders[index]?.toLowerCase() === "host") count++;
  }
  return count;
}

function malformed(problem: string): LeverError {
  return new LeverError("malformed_request", `Cannot read the request: ${problem}.`);
}
