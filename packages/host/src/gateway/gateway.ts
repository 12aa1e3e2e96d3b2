import { createServer } from "node:http";
import * as http2 from "node:http2";
import type { Duplex } from "node:stream";
import {
  closedSide,
  isStreamingName,
  LeverError,
  LINK_UPGRADE,
  type Limits,
} from "@leveros/protocol";
import { type GrpcOptions, serveGrpc } from "@leveros/runtime/grpc";
import type { AccessRequest, TokenIndex } from "../access/token-index.ts";
import type { Clock } from "../clock.ts";
import type { Log } from "../logs/log.ts";
import type { CallRouter } from "../router/router.ts";
import { authorize } from "./admission/authorize.ts";
import { checkPageOrigin } from "./admission/browser-origin.ts";
import { ClientLinks } from "./client-link/client-links.ts";
import { answerOptions, checkOrigin } from "./http/cors.ts";
import { discardBody } from "./http/discard-body.ts";
import type { HttpRequest, HttpResponse } from "./http/exchange.ts";
import { FastConnections } from "./http/fast/fast-connections.ts";
import { type HeldBodies, serveRegularCall } from "./http/regular-call.ts";
import { requestTarget } from "./http/request-target.ts";
import { sendProblem, sendProblemAndClose } from "./http/respond.ts";
import { isEventSource, serveStreamingCall } from "./http/streaming-call.ts";
import { closeWhenIdle } from "./http2/idle-session.ts";
import { type Listener, listen } from "./listener.ts";
import { type Certificate, watchCertificate } from "./tls/certificate.ts";
import { createTls, refuseCleartext, replaceCertificate } from "./tls/tls.ts";
import { webSocketUpgrade } from "./websocket/upgrade.ts";

export interface GatewayOptions {
  readonly bind: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly router: CallRouter;
  readonly access: TokenIndex;
  readonly limits: Limits;
  /** With it, everything goes over TLS. Its files are watched. */
  readonly certificate: Certificate | undefined;
  /** Others listen on the same port; TLS sessions are resumed by all of them with these keys. */
  readonly shared?: { readonly ticketKeys: Buffer };
  readonly clock: Clock;
  readonly log: Log;
}

interface ServeOptions extends GatewayOptions {
  readonly bodies: HeldBodies;
}

/** Of one HTTP/2 stream: bytes that the peer may send before they are read. */
const HTTP2_WINDOW_BYTES = 256 * 1024;
/** Of one HTTP/2 connection. */
const HTTP2_CALLS_MAX = 1_000;

/** Opens the port through which everyone outside calls. @throws the system's error when it is not to be had. */
export async function openGateway(options: GatewayOptions): Promise<Listener> {
  const { limits, certificate, shared } = options;
  const serving: ServeOptions = { ...options, bodies: { bytes: 0 } };
  const http1 = createServer(
    {
      maxHeaderSize: limits.headerBytesMax,
      headersTimeout: limits.headersTimeoutMs,
      // Streams may last: regular calls are held to their time as they are read.
      requestTimeout: 0,
      keepAliveTimeout: limits.idleConnectionTimeoutMs,
      connectionsCheckingInterval: Math.min(1_000, limits.headersTimeoutMs),
    },
    (request, response) => serve(request, response, serving),
  );
  http1.maxConnections = limits.connectionsMax;
  http1.on("clientError", answerBrokenRequest);
  const links = new ClientLinks({
    ...serving,
    asLeverError: (error) => asLeverError(error, options.log),
  });
  const openWebSocket = webSocketUpgrade(options);
  http1.on("upgrade", (request, socket, head) => {
    if (request.headers.upgrade?.toLowerCase() === LINK_UPGRADE) links.open(request, socket, head);
    else openWebSocket(request, socket, head);
  });
  const tls = certificate && createTls(certificate, limits.headersTimeoutMs, shared?.ticketKeys);
  const listener = await listen(
    {
      http1,
      http2: createHttp2(serving),
      tls,
      openDirect: (handOver) =>
        new FastConnections(
          { ...serving, asLeverError: (error) => asLeverError(error, options.log) },
          handOver,
        ),
    },
    {
      bind: options.bind,
      port: options.port,
      headersTimeoutMs: limits.headersTimeoutMs,
      isShared: shared !== undefined,
      refuseCleartext: (socket) => refuseCleartext(socket, limits.headersTimeoutMs),
    },
  );
  const stopWatching =
    tls &&
    certificate &&
    watchCertificate(certificate, {
      ...options,
      onReplaced: (replaced) => replaceCertificate(tls, replaced),
    });
  return {
    ...listener,
    close() {
      stopWatching?.();
      links.close();
      return listener.close();
    },
  };
}

function createHttp2(options: ServeOptions): http2.Http2Server {
  const { limits, router } = options;
  const grpcOptions = (asked: AccessRequest): GrpcOptions => ({
    call(request, events) {
      try {
        const { environment } = request.url;
        const access = router.environment(environment)?.access;
        const refusal = access && checkPageOrigin(asked.headers, access.corsOrigins);
        if (refusal !== undefined) throw refusal;
        const caller = authorize(options, environment, asked);
        return router.call({ ...request, caller }, events);
      } catch (error) {
        events.onAbort(asLeverError(error, options.log));
        return closedSide;
      }
    },
    environment: undefined,
    limits,
  });
  const server = http2.createServer({
    settings: {
      initialWindowSize: HTTP2_WINDOW_BYTES,
      maxConcurrentStreams: HTTP2_CALLS_MAX,
      maxHeaderListSize: limits.headerBytesMax,
      enablePush: false,
    },
  });
  server.on("session", (session) => {
    session.setLocalWindowSize(16 * HTTP2_WINDOW_BYTES);
    session.on("error", () => {});
    closeWhenIdle(session, limits.idleConnectionTimeoutMs);
  });
  server.on("stream", (stream, headers, _flags, rawHeaders) => {
    if (headers["content-type"]?.startsWith("application/grpc")) {
      serveGrpc(stream, headers, grpcOptions({ headers, socket: stream.session?.socket }));
      return;
    }
    stream.on("error", () => {});
    const request = new http2.Http2ServerRequest(stream, headers, {}, rawHeaders);
    serve(request, new http2.Http2ServerResponse(stream), options);
  });
  return server;
}

function serve(request: HttpRequest, response: HttpResponse, options: ServeOptions): void {
  try {
    const url = requestTarget(request);
    const access = options.router.environment(url.environment)?.access;
    if (access !== undefined) {
      const refusal = checkOrigin(request, response, access.corsOrigins);
      if (refusal !== undefined) throw refusal;
    }
    if (request.method === "OPTIONS") {
      answerOptions(request, response);
      return;
    }
    const isStreaming = isStreamingName(url.method);
    const mayGet = isStreaming && access?.kind !== "platform";
    if (request.method !== "POST" && !(mayGet && isEventSource(request))) {
      throw new LeverError(
        "wrong_http_method",
        `Cannot call a method by ${request.method}: allowed is POST.`,
      );
    }
    const caller = authorize(options, url.environment, request);
    const exchange = { request, response, url, caller };
    if (isStreaming) serveStreamingCall(exchange, options);
    else serveRegularCall(exchange, options);
  } catch (error) {
    sendProblem(response, asLeverError(error, options.log));
    discardBody(request);
  }
}

/** What went wrong in Lever itself is logged; callers hear only that it did. */
export function asLeverError(error: unknown, log: Log): LeverError {
  if (error instanceof LeverError) return error;
  log("error", "gateway", "request failed", { reason: String(error) });
  return new LeverError("internal", "Lever failed to carry the call.", { cause: error });
}

/** A request that Node's parser refuses gets an answer of the same form as every other. */
function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  sendProblemAndClose(socket, brokenRequest(error));
}

function brokenRequest(error: NodeJS.ErrnoException): LeverError {
  switch (error.code) {
    case "HPE_HEADER_OVERFLOW":
      return new LeverError(
        "headers_too_large",
        "Cannot read the request: its headers are too large.",
      );
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new LeverError(
        "request_timeout",
        "Cannot read the request: it did not arrive within its time.",
      );
    default:
      return new LeverError(
        "malformed_request",
        `Cannot read the request: it is not HTTP (${error.code ?? error.message}).`,
      );
  }
}
