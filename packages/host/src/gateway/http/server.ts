import { createServer, type Server } from "node:http";
import type { Duplex } from "node:stream";
import { LeverError } from "@leveros/protocol";
import type { DoorOptions } from "../door-options.ts";
import { serveHttp } from "./door.ts";
import { writeProblemAndEnd } from "./write-response.ts";

/** Node's HTTP/1.1 server: it takes every connection that `http/fast` does not, and all upgrades. */
export function createHttp1(options: DoorOptions): Server {
  const { limits } = options;
  const server = createServer(
    {
      maxHeaderSize: limits.headerBytesMax,
      headersTimeout: limits.headersTimeoutMs,
      // Streams have no limit of time. `readBody` bounds the requests of regular calls.
      requestTimeout: 0,
      keepAliveTimeout: limits.idleConnectionTimeoutMs,
      connectionsCheckingInterval: Math.min(1_000, limits.headersTimeoutMs),
    },
    (request, response) => serveHttp(request, response, options),
  );
  server.maxConnections = limits.connectionsMax;
  server.on("clientError", answerMalformed);
  return server;
}

/** Answers a request that Node's parser refuses in the same form as every other. */
function answerMalformed(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (socket.writable && error.code !== "ECONNRESET") writeProblemAndEnd(socket, refusal(error));
  else socket.destroy();
}

function refusal(error: NodeJS.ErrnoException): LeverError {
  switch (error.code) {
    case "HPE_HEADER_OVERFLOW":
      return new LeverError(
        "headers_too_large",
        "Cannot read the request: its headers are too large.",
      );
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return headTooSlow();
    default:
      return new LeverError(
        "malformed_request",
        `Cannot read the request: it is not HTTP (${error.code ?? error.message}).`,
      );
  }
}

/** The head of a request did not arrive in time. */
export function headTooSlow(): LeverError {
  return new LeverError(
    "request_timeout",
    "Cannot read the request: it did not arrive within its time.",
  );
}
