import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { isStreamingName, LeverError, type Limits } from "@leveros/protocol";
import type { Log } from "../log.ts";
import type { Router } from "../router/router.ts";
import { answerProblem, problemAnswer } from "./answer.ts";
import { answerOptions, checkOrigin } from "./cors.ts";
import { serveRegularCall } from "./regular-call.ts";
import { requestTarget } from "./request-target.ts";
import { serveStreamingCall } from "./streaming-call.ts";

export interface Gateway {
  readonly port: number;
  /** Takes no new connections, and resolves when those that are there have ended; idle ones end at once. */
  close(): Promise<void>;
  /** Cuts every connection that is left. */
  cut(): void;
}

export interface GatewayOptions {
  readonly bind: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly router: Router;
  readonly limits: Limits;
  readonly log: Log;
}

/** Opens the port through which everyone outside calls. @throws the system's error when it is not to be had. */
export async function openGateway(options: GatewayOptions): Promise<Gateway> {
  const { limits } = options;
  const server = createServer(
    {
      maxHeaderSize: limits.headerBytesMax,
      headersTimeout: limits.headersTimeoutMs,
      // Streams may last: regular calls are held to their time as they are read.
      requestTimeout: 0,
      keepAliveTimeout: limits.idleConnectionTimeoutMs,
      connectionsCheckingInterval: Math.min(1_000, limits.headersTimeoutMs),
    },
    (request, response) => serve(request, response, options),
  );
  server.maxConnections = limits.connectionsMax;
  server.on("clientError", answerBrokenRequest);
  await listen(server, options);
  const { port } = server.address() as AddressInfo;
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
    cut: () => server.closeAllConnections(),
  };
}

function serve(request: IncomingMessage, response: ServerResponse, options: GatewayOptions): void {
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
    if (request.method !== "POST") {
      throw new LeverError(
        "wrong_http_method",
        `Cannot call a method by ${request.method}: allowed is POST.`,
      );
    }
    const exchange = { request, response, url };
    if (isStreamingName(url.method)) serveStreamingCall(exchange, options);
    else serveRegularCall(exchange, options);
  } catch (error) {
    // The body has not been read, and nothing that follows on this connection could be told from it.
    response.setHeader("connection", "close");
    answerProblem(response, asLeverError(error, options.log));
  }
}

function asLeverError(error: unknown, log: Log): LeverError {
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
  const { status, headers, body } = problemAnswer(brokenRequest(error));
  const lines = Object.entries({ ...headers, connection: "close" }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  socket.end(`HTTP/1.1 ${status} Refused\r\n${lines.join("")}\r\n${body}`);
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

function listen(server: Server, { bind, port }: GatewayOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: bind, port }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
