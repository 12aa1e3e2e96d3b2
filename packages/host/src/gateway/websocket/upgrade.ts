import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { LeverError } from "@leveros/protocol";
import { WebSocketServer } from "ws";
import type { AdmittedCall } from "../admission/admit-call.ts";
import { asLeverError } from "../as-lever-error.ts";
import type { DoorOptions } from "../door-options.ts";
import { askedTimeoutMs, requestTarget } from "../http/request-target.ts";
import { rejectConnection } from "../http/respond.ts";
import { refuseWebSocket, SUBPROTOCOL, serveWebSocketCall } from "./websocket-call.ts";

/** Answers upgrade requests: a WebSocket for a streaming method, or a problem like any other refusal. */
export function webSocketUpgrade(
  options: DoorOptions,
): (request: IncomingMessage, socket: Duplex, head: Buffer) => void {
  const { limits, log } = options;
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: limits.bodyBytesMax,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  });
  return (request, socket, head) => {
    socket.on("error", () => {});
    const refuse = (refusal: LeverError): void => {
      // Pages cannot read the response to a refused upgrade. Callers with the subprotocol get the refusal on an open
      // WebSocket instead, except for pages of a foreign origin.
      if (refusal.code === "forbidden" || !offersSubprotocol(request))
        rejectConnection(socket as Socket, refusal, limits.headersTimeoutMs);
      else
        server.handleUpgrade(request, socket, head, (opened) =>
          refuseWebSocket(opened, socket, refusal),
        );
    };
    let admitted: AdmittedCall;
    try {
      admitted = options.admission.admitCall({
        door: "webSocket",
        target: requestTarget(request),
        request,
        isStream: true,
        askedMs: askedTimeoutMs(request, limits),
      });
    } catch (error) {
      refuse(asLeverError(error, log));
      return;
    }
    server.handleUpgrade(request, socket, head, (webSocket) =>
      serveWebSocketCall(webSocket, { ...options, connection: socket, admitted }),
    );
  };
}

function offersSubprotocol(request: IncomingMessage): boolean {
  const offered = request.headers["sec-websocket-protocol"] ?? "";
  return offered.split(",").some((name) => name.trim() === SUBPROTOCOL);
}
