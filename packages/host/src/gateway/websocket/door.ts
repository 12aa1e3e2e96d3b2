import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
// Before `ws`.
import "./masking.ts";
import {
  formatCallId,
  LeverError,
  PAYLOAD_BYTES,
  PAYLOAD_JSON,
  type PayloadKind,
} from "@leveros/protocol";
import { type RawData, type WebSocket, WebSocketServer } from "ws";
import { asLeverError } from "../../logs/as-lever-error.ts";
import { nextCallNumber } from "../../router/call-numbers.ts";
import type { AdmittedCall } from "../admission/admit-call.ts";
import { BodyReservation, tooManyBodies } from "../body-budget.ts";
import { countPassed } from "../buffer-garbage.ts";
import { type NumberedCall, numberCall } from "../call-marks.ts";
import type { DoorOptions } from "../door-options.ts";
import { bodyTooSlow } from "../http/body.ts";
import { askedTimeoutMs } from "../http/call-timeout.ts";
import { CALL_HEADER } from "../http/response-parts.ts";
import type { Upgrade } from "../http/server.ts";
import { rejectConnection } from "../http/write-response.ts";
import { calledTarget } from "../sites/called-target.ts";
import { upgradeSite } from "../sites/upgrade.ts";
import type { UnreadReplies } from "../unread-replies.ts";
import { pingPeer } from "./ping-peer.ts";
import { WebSocketReply } from "./reply.ts";
import { isGrant, WebSocketCredit } from "./websocket-credit.ts";

/** The subprotocol of Lever's own client. */
const SUBPROTOCOL = "lever";
/** The header of a ping or pong of a client: with a mask, and a length of one byte (RFC 6455, 5.2). */
const CONTROL_HEADER_BYTES = 6;

/** Answers upgrade requests: with a WebSocket for a streaming method, or with a problem like any other refusal. */
export function webSocketUpgrade(options: DoorOptions): Upgrade {
  const { admission, router, limits, replies, clock, log } = options;
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: limits.bodyBytesMax,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  });
  server.on("wsClientError", (error, connection) => {
    const refusal = new LeverError(
      "malformed_request",
      `Cannot open the WebSocket: ${error.message}.`,
    );
    const versions = { "sec-websocket-version": "13, 8" };
    rejectConnection(connection, refusal, limits.headersTimeoutMs, versions);
  });
  /** The call of the WebSocket that is opened now. */
  let number = 0;
  server.on("headers", (lines) => {
    lines.push(`${CALL_HEADER}: ${formatCallId(number)}`);
  });
  const refuse = (error: LeverError, ...[request, connection, head]: Parameters<Upgrade>): void => {
    // A page cannot read the response to a refused upgrade. With the subprotocol, a caller gets the error on an open
    // WebSocket instead, unless it is a page of a foreign origin.
    if (error.code === "forbidden" || !offersSubprotocol(request)) {
      rejectConnection(connection, error, limits.headersTimeoutMs);
      return;
    }
    number = nextCallNumber();
    server.handleUpgrade(request, connection, head, (socket) => {
      socket.on("error", () => {});
      replyOver(socket, connection, { replies, number }).onAbort(error);
    });
  };
  return (request, connection, head) => {
    connection.on("error", () => {});
    let admitted: AdmittedCall;
    let refusal: LeverError | undefined;
    try {
      if (upgradeSite(request, connection, head, options)) return;
      admitted = admission.admitCall({
        door: "webSocket",
        target: calledTarget(request, router.sites),
        request,
        isStream: true,
        askedMs: askedTimeoutMs(request, limits),
      });
      refusal = router.refusal(admitted);
    } catch (error) {
      refuse(asLeverError(error, log, "gateway"), request, connection, head);
      return;
    }
    const marked = { ...admitted, ...numberCall(request.headers, limits) };
    number = marked.number;
    server.handleUpgrade(request, connection, head, (socket) => {
      pingPeer(socket, connection, { clock, pingIntervalMs: limits.pingIntervalMs });
      const reply = serveWebSocket(socket, connection, marked, options);
      // A page cannot read the response to a refused upgrade, but it can read the code of a closed WebSocket.
      if (refusal !== undefined) reply.onAbort(refusal);
    });
  };
}

/**
 * Carries one streaming call over a WebSocket. Text is JSON and binary is bytes, both ways. The caller's first message is
 * the JSON array of arguments, or bytes as the only argument. An empty text, which is no JSON, half-closes. The socket
 * closes with 1000 when the stream ends, with 4000 when the method fails, and with 4000 + HTTP status when Lever does.
 *
 * On the subprotocol `lever`, the error itself is sent before: `!` and `{"error": …, "call": …}` or `{"problem": …}`. `+` and
 * a number grants the other side that many more bytes to send.
 */
function serveWebSocket(
  socket: WebSocket,
  connection: Duplex,
  admitted: AdmittedCall & NumberedCall,
  { router, limits, budget, replies, clock }: DoorOptions,
): WebSocketReply {
  const reply = replyOver(socket, connection, { replies, number: admitted.number });
  const timer = clock.setTimeout(
    () => reply.onAbort(bodyTooSlow(limits.requestTimeoutMs)),
    limits.requestTimeoutMs,
  );
  const open = (kind: PayloadKind, body: Uint8Array): void => {
    clock.clearTimeout(timer);
    reply.call = router.open({ ...admitted, kind, body }, reply, true);
  };
  // The library keeps a message until it is complete.
  const reservation = new BodyReservation(budget);
  let pendingBytes = 0;
  connection.prependListener("data", (chunk: Buffer) => {
    countPassed(chunk.length);
    pendingBytes += chunk.length;
    if (reservation.hold(pendingBytes)) return;
    const error = tooManyBodies();
    reply.call?.abort(error);
    reply.onAbort(error);
    socket.terminate();
  });
  const onControlFrame = (data: Buffer): void => {
    pendingBytes = Math.max(0, pendingBytes - data.length - CONTROL_HEADER_BYTES);
  };
  socket.on("ping", onControlFrame);
  socket.on("pong", onControlFrame);
  socket.on("message", (data: RawData, isBinary: boolean) => {
    pendingBytes = 0;
    reservation.release();
    if (reply.isOver) return;
    const bytes = joined(data);
    const { call } = reply;
    const kind = isBinary ? PAYLOAD_BYTES : PAYLOAD_JSON;
    if (call === undefined) open(kind, bytes);
    else if (!isBinary && bytes.length === 0) call.end();
    else if (!isBinary && reply.hasCredit && isGrant(bytes)) reply.addGrant(bytes);
    else reply.onForwarded(bytes.length, call.send(kind, bytes));
  });
  socket.on("error", (error) => {
    // The library closes the socket with the code of the protocol error.
    reply.call?.abort(
      new LeverError("malformed_request", `The WebSocket failed: ${error.message}.`),
    );
    reply.isOver = true;
  });
  socket.on("close", () => {
    clock.clearTimeout(timer);
    reservation.release();
    reply.onDisconnect();
  });
  return reply;
}

function replyOver(
  socket: WebSocket,
  connection: Duplex,
  options: { readonly replies: UnreadReplies; readonly number: number },
): WebSocketReply {
  const credit = socket.protocol === SUBPROTOCOL ? new WebSocketCredit() : undefined;
  return new WebSocketReply(socket, connection, { credit, ...options });
}

function offersSubprotocol(request: IncomingMessage): boolean {
  const offered = request.headers["sec-websocket-protocol"] ?? "";
  return offered.split(",").some((name) => name.trim() === SUBPROTOCOL);
}

function joined(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}
