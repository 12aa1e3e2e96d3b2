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
import type { Clock } from "../clock.ts";
import type { Log } from "../logs/log.ts";
import type { CallRouter } from "../router/router.ts";
import { type AccessRequest, Admission, type TokenIndex } from "./admission/admit-call.ts";
import { asLeverError } from "./as-lever-error.ts";
import { ClientLinks } from "./client-link/client-links.ts";
import type { DoorOptions } from "./door-options.ts";
import { allowReading, answerOptions } from "./http/cors.ts";
import { discardBody } from "./http/discard-body.ts";
import type { HttpRequest, HttpResponse } from "./http/exchange.ts";
import { FastConnections } from "./http/fast/fast-connections.ts";
import { serveRegularCall } from "./http/regular-call.ts";
import { askedTimeoutMs, requestTarget } from "./http/request-target.ts";
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

/** Of one HTTP/2 stream: bytes that the peer may send before they are read. */
const HTTP2_WINDOW_BYTES = 256 * 1024;
/** Of one HTTP/2 connection. */
const HTTP2_CALLS_MAX = 1_000;

/** Opens the port through which everyone outside calls. @throws the system's error when it is not to be had. */
export async function openGateway(options: GatewayOptions): Promise<Listener> {
  const { limits, certificate, shared } = options;
  const { router, clock, log } = options;
  const doorOptions: DoorOptions = {
    admission: new Admission(options),
    router,
    limits,
    bodies: { bytes: 0 },
    clock,
    log,
  };
  const http1 = createServer(
    {
      maxHeaderSize: limits.headerBytesMax,
      headersTimeout: limits.headersTimeoutMs,
      // Streams may last: regular calls are held to their time as they are read.
      requestTimeout: 0,
      keepAliveTimeout: limits.idleConnectionTimeoutMs,
      connectionsCheckingInterval: Math.min(1_000, limits.headersTimeoutMs),
    },
    (request, response) => serve(request, response, doorOptions),
  );
  http1.maxConnections = limits.connectionsMax;
  http1.on("clientError", answerBrokenRequest);
  const links = new ClientLinks(doorOptions);
  const openWebSocket = webSocketUpgrade(doorOptions);
  http1.on("upgrade", (request, socket, head) => {
    if (request.headers.upgrade?.toLowerCase() === LINK_UPGRADE) links.open(request, socket, head);
    else openWebSocket(request, socket, head);
  });
  const tls = certificate && createTls(certificate, limits.headersTimeoutMs, shared?.ticketKeys);
  const listener = await listen(
    {
      http1,
      http2: createHttp2(doorOptions),
      tls,
      openDirect: (handOver) => new FastConnections(doorOptions, handOver),
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

function createHttp2(options: DoorOptions): http2.Http2Server {
  const { admission, limits, router, log } = options;
  const grpcOptions = (request: AccessRequest): GrpcOptions => ({
    call(asked, events) {
      try {
        const { url: target, isStream, timeoutMs: askedMs } = asked;
        const incoming = { door: "grpc", target, request, isStream, askedMs } as const;
        return router.call({ ...asked, ...admission.admitCall(incoming) }, events);
      } catch (error) {
        events.onAbort(asLeverError(error, log));
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

function serve(request: HttpRequest, response: HttpResponse, options: DoorOptions): void {
  const { admission, limits, log } = options;
  try {
    const target = requestTarget(request);
    const origin = admission.readableOrigin(target.environment, request);
    if (origin !== undefined) allowReading(response, origin);
    if (request.method === "OPTIONS") {
      admission.admitPreflight(target.environment, request);
      answerOptions(request, response);
      return;
    }
    const isStream = isStreamingName(target.method);
    const askedMs = askedTimeoutMs(request, limits);
    const door = isEventSource(request) ? "eventSource" : "http";
    const admitted = admission.admitCall({ door, target, request, isStream, askedMs });
    const exchange = { request, response, admitted };
    if (isStream) serveStreamingCall(exchange, options);
    else serveRegularCall(exchange, options);
  } catch (error) {
    sendProblem(response, asLeverError(error, log));
    discardBody(request);
  }
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
