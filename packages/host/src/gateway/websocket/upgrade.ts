import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { isStreamingName, LeverError, type LeverUrl, type Limits } from "@leveros/protocol";
import { WebSocketServer } from "ws";
import type { TokenIndex } from "../../access/token-index.ts";
import type { Caller, CallRouter } from "../../router/router.ts";
import { authorize } from "../admission/authorize.ts";
import { checkPageOrigin } from "../admission/browser-origin.ts";
import { requestTarget, requestTimeoutMs } from "../http/request-target.ts";
import { rejectConnection } from "../http/respond.ts";
import { refuseWebSocket, SUBPROTOCOL, serveWebSocketCall } from "./websocket-call.ts";

/** Answers upgrade requests: a WebSocket for a streaming method, or a problem like any other refusal. */
export function webSocketUpgrade(options: {
  readonly router: CallRouter;
  readonly access: TokenIndex;
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
    let target: UpgradeTarget | LeverError;
    try {
      target = upgradeTarget(request, options);
    } catch (error) {
      target = error instanceof LeverError ? error : new LeverError("internal", String(error));
    }
    if (!(target instanceof LeverError)) {
      const { url, caller, timeoutMs } = target;
      server.handleUpgrade(request, socket, head, (webSocket) =>
        serveWebSocketCall(webSocket, { ...options, connection: socket, url, caller, timeoutMs }),
      );
      return;
    }
    const refusal = target;
    // Pages cannot read a refused upgrade's answer: who speaks the subprotocol is told on the socket. A foreign page is not.
    if (refusal.code === "forbidden" || !offersSubprotocol(request))
      rejectConnection(socket as Socket, refusal, options.limits.headersTimeoutMs);
    else
      server.handleUpgrade(request, socket, head, (opened) =>
        refuseWebSocket(opened, socket, refusal),
      );
  };
}

interface UpgradeTarget {
  readonly url: LeverUrl;
  readonly caller: Caller;
  readonly timeoutMs: number;
}

/** @throws LeverError for a request that names no method or no deadline. */
function upgradeTarget(
  request: IncomingMessage,
  options: { router: CallRouter; access: TokenIndex; limits: Limits },
): UpgradeTarget | LeverError {
  const { router, limits } = options;
  const url = requestTarget(request);
  const access = router.environment(url.environment)?.access;
  const refusal = access && checkPageOrigin(request.headers, access.corsOrigins);
  if (refusal !== undefined) return refusal;
  if (!isStreamingName(url.method)) {
    return new LeverError(
      "wrong_method_kind",
      `${url.method} is a regular method, and was called as a streaming one.`,
    );
  }
  const caller = authorize(options, url.environment, request);
  return { url, caller, timeoutMs: requestTimeoutMs(request, limits, 0) };
}

function offersSubprotocol(request: IncomingMessage): boolean {
  const offered = request.headers["sec-websocket-protocol"] ?? "";
  return offered.split(",").some((name) => name.trim() === SUBPROTOCOL);
}
