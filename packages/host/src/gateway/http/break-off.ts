import type { Socket } from "node:net";
import { endConnection } from "./discard-body.ts";
import type { HttpRequest, HttpResponse } from "./exchange.ts";
import { Http2Response } from "./http2-exchange.ts";

/**
 * Ends a response whose head is sent without completing it, so that the caller notices. What was written before is sent first:
 * closing the connection at once would lose what Node still holds, and what the caller has not read (RFC 9112, 9.6).
 */
export function breakOff(request: HttpRequest, response: HttpResponse): void {
  if (response instanceof Http2Response) {
    response.breakOff();
    return;
  }
  response.write("", () => {
    request.resume();
    endConnection(request.socket as Socket);
  });
}
