import { createServer, type IncomingMessage, type Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { isLinkUpgrade, LeverError } from "@leveros/protocol";
import type { Clock } from "../../clock.ts";
import { wrongHttpMethod } from "../admission/admit-call.ts";
import type { HeldConnection } from "../connections.ts";
import type { DoorOptions } from "../door-options.ts";
import { discardBody, endConnection, LINGER_MS } from "./discard-body.ts";
import { serveHttp } from "./door.ts";
import { readRequestHost } from "./request-host.ts";
import { rejectConnection, writeProblem } from "./write-response.ts";

/** Takes over the connection of an upgrade request. */
export type Upgrade = (request: IncomingMessage, connection: Duplex, head: Buffer) => void;

/** A server that takes connections from the listener. */
export interface Http1 {
  readonly server: Server;
  readonly connections: Iterable<HeldConnection>;
  /** Takes a connection, also one that has had requests. */
  open(socket: Socket): void;
}

/** More connections than the limit allows: those that are being refused. */
const REFUSED_MAX = 256;

/**
 * Node's HTTP/1.1 server: it takes every connection that `http/fast` does not, and all upgrades.
 *
 * - H1. Responses are written in the order of their requests. A malformed request does not change the response before it.
 * - H2. Nothing is written into a response that has begun: a connection that must end there breaks off.
 */
export function createHttp1(options: DoorOptions, upgrade: Upgrade): Http1 {
  const { limits, clock, closing } = options;
  const server: Server = createServer(
    {
      ServerResponse: class extends ServerResponse {
        // Responses of a host that is stopping say that no further request is read.
        override writeHead(...head: unknown[]): this {
          if (closing.aborted) this.shouldKeepAlive = false;
          return Reflect.apply(super.writeHead, this, head);
        }
      },
      // The listener sets it, for connections that stay open.
      noDelay: false,
      maxHeaderSize: limits.headerBytesMax,
      headersTimeout: limits.headersTimeoutMs,
      // Streams have no limit of time. `readBody` bounds the requests of regular calls.
      requestTimeout: 0,
      keepAliveTimeout: limits.idleConnectionTimeoutMs,
      connectionsCheckingInterval: Math.min(1_000, limits.headersTimeoutMs),
      // `readRequestHost` answers with a problem.
      requireHostHeader: false,
    },
    (request, response) => serve(request, response),
  );
  const [openConnection] = server.listeners("connection");
  // The listener holds connections to the limit itself.
  server.maxConnections = limits.connectionsMax + REFUSED_MAX;
  const connections = new Map<Duplex, NodeConnection>();

  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    const connection = connections.get(request.socket);
    if (connection === undefined || connection.isBroken) return;
    connection.begin(response);
    const malformed = readRequestHost(request);
    if (malformed === undefined) serveHttp(request, response, options);
    else {
      response.shouldKeepAlive = false;
      writeProblem(response, malformed);
      discardBody(request);
    }
    // Requests after the last one must not be processed (RFC 9112, 9.6).
    if (response.headersSent && !response.shouldKeepAlive) connection.isBroken = true;
  };
  /** H1. Acts once the requests so far are answered, if the connection is still open. */
  const afterResponses = (socket: Duplex, act: () => void): void => {
    const last = connections.get(socket)?.last;
    const actIfOpen = (): void => {
      if (socket.writable) act();
      else socket.destroy();
    };
    if (last === undefined || last.destroyed) actIfOpen();
    else last.once("close", actIfOpen);
  };

  // `serveHttp` decides about expectations, as over HTTP/2.
  server.on("checkContinue", serve);
  server.on("checkExpectation", serve);
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const connection = connections.get(socket);
    if (error.code === "ECONNRESET" || !socket.writable || connection === undefined) {
      socket.destroy();
      return;
    }
    // Node reports the same error again with each chunk that follows.
    if (connection.isBroken) return;
    connection.isBroken = true;
    const { last } = connection;
    if (last === undefined || last.req.complete) {
      afterResponses(socket, () => rejectConnection(socket, refusalOf(error), LINGER_MS));
    } else if (last.writableEnded) {
      // A second answer to the same request would be read as that to the next one.
      afterResponses(socket, () => endConnection(socket));
    } else breakOff(last, refusalOf(error));
  });
  server.on("upgrade", (request, socket, head) => {
    socket.on("error", () => {});
    afterResponses(socket, () => {
      if (!isOffered(request)) {
        // Node would lose the bytes after the request if its option `shouldUpgradeCallback` declined the upgrade.
        socket.unshift(Buffer.concat([headWithoutUpgrade(request), head]));
        openConnection?.call(server, socket);
        return;
      }
      const malformed = readRequestHost(request);
      connections.delete(socket);
      if (malformed === undefined) upgrade(request, socket, head);
      else rejectConnection(socket, malformed, LINGER_MS);
    });
  });
  server.on("connect", ({ method }, socket) => {
    socket.on("error", () => {});
    afterResponses(socket, () => rejectConnection(socket, wrongHttpMethod(method), LINGER_MS));
  });
  return {
    server,
    connections: { [Symbol.iterator]: () => connections.values() },
    open(socket) {
      connections.set(socket, new NodeConnection(socket, clock));
      socket.on("close", () => connections.delete(socket));
      openConnection?.call(server, socket);
    },
  };
}

/** A connection of Node's server. */
class NodeConnection implements HeldConnection {
  readonly #socket: Socket;
  readonly #clock: Clock;
  /** The response to the last request. */
  last: ServerResponse | undefined;
  #lastClosedAt = 0;
  /** The last response closes the connection, or a request was malformed: nothing more is read. */
  isBroken = false;

  constructor(socket: Socket, clock: Clock) {
    this.#socket = socket;
    this.#clock = clock;
  }

  begin(response: ServerResponse): void {
    this.last = response;
    response.on("close", this.#onClose);
  }

  readonly #onClose = (): void => {
    this.#lastClosedAt = this.#clock.now();
  };

  get idleSince(): number | undefined {
    const isIdle = this.last?.destroyed === true && !this.isBroken && !this.#socket.destroyed;
    return isIdle ? this.#lastClosedAt : undefined;
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** All other upgrades are ignored (RFC 9110, 7.8). Their requests are served like those without one. */
function isOffered({ method, httpVersionMinor, headers: { upgrade } }: IncomingMessage): boolean {
  if (httpVersionMinor === 0) return false;
  return isLinkUpgrade(upgrade) || (method === "GET" && upgrade?.toLowerCase() === "websocket");
}

function headWithoutUpgrade(request: IncomingMessage): Buffer {
  const { method, url, httpVersion, rawHeaders } = request;
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    if (name.toLowerCase() !== "upgrade") text += `${name}: ${rawHeaders[index + 1]}\r\n`;
  }
  return Buffer.from(`${text}\r\n`, "latin1");
}

/** The rest of the response's request is malformed. */
function breakOff(response: ServerResponse, error: LeverError): void {
  const { req: request } = response;
  // H2.
  if (response.headersSent || request.listenerCount("error") === 0) {
    response.destroy();
    return;
  }
  response.shouldKeepAlive = false;
  request.emit("error", error);
}

function refusalOf(error: NodeJS.ErrnoException): LeverError {
  switch (error.code) {
    case "HPE_HEADER_OVERFLOW":
      return headersTooLarge();
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return headTooSlow();
    default:
      return new LeverError(
        "malformed_request",
        `Cannot read the request: it is not HTTP (${error.code ?? error.message}).`,
      );
  }
}

export function headersTooLarge(): LeverError {
  return new LeverError("headers_too_large", "Cannot read the request: its headers are too large.");
}

/** The head of a request did not arrive in time. */
export function headTooSlow(): LeverError {
  return new LeverError(
    "request_timeout",
    "Cannot read the request: it did not arrive within its time.",
  );
}
