import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { isStreamingName, LeverError, type Limits } from "@leveros/protocol";
import { WebSocketServer } from "ws";
import type { Router } from "../../router/router.ts";
import { problemAnswer } from "../http/answer.ts";
import { refuseOrigin } from "../http/cors.ts";
import { requestTarget } from "../http/request-target.ts";
import { serveWebSocketCall } from "./websocket-call.ts";

/** What Lever's own client asks for: errors come as a message that no JSON can be, before the socket closes. */
export const SUBPROTOCOL = "lever";

/** Answers upgrade requests: a WebSocket for a streaming method, or a problem like any other refusal. */
export function webSocketUpgrade(options: {
  readonly router: Router;
  readonly limits: Limits;
}): (request: IncomingMessage, socket: Duplex, head: Buffer) => void {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: options.limits.bodyBytesMax,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  });
  return (request, socket, head) => {
    socket.on("error", () => {});
    try {
      const url = requestTarget(request);
      const access = options.router.environment(url.environment)?.access;
      const refusal = access && refuseOrigin(request.headers.origin, access.corsOrigins);
      if (refusal !== undefined) throw refusal;
      if (!isStreamingName(url.method)) {
        throw new LeverError(
          "wrong_method_kind",
          `${url.method} is a regular method, and was called as a streaming one.`,
        );
      }
      server.handleUpgrade(request, socket, head, (webSocket) =>
        serveWebSocketCall(webSocket, url, options),
      );
    } catch (error) {
      refuse(socket, error);
    }
  };
}

function refuse(socket: Duplex, error: unknown): void {
  const reason =
    error instanceof LeverError ? error : new LeverError("internal", "Lever failed to answer.");
  const { status, headers, body } = problemAnswer(reason);
  const lines = Object.entries({ ...headers, connection: "close" }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  socket.end(`HTTP/1.1 ${status} Refused\r\n${lines.join("")}\r\n${body}`);
}
