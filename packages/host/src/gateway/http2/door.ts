import type { Socket } from "node:net";
import { encodeField, type ServerStream, type StreamListener } from "@leveros/runtime/http2";
import type { Connection } from "../admission/admit-call.ts";
import type { DoorOptions } from "../door-options.ts";
import { serveGrpcStream } from "../grpc/door.ts";
import { discardBody } from "../http/discard-body.ts";
import { serveHttp } from "../http/door.ts";
import { Http2Request } from "../http/http2-exchange.ts";
import { headersTooLarge } from "../http/server.ts";
import { writeProblem } from "../http/write-response.ts";
import { Http2Connection, type Http2Head, type Http2Shared } from "./connection.ts";
import { PlainCall } from "./plain-call.ts";

/** Connections are checked for timeouts this often. */
const TICK_MS = 1_000;
/** The interval for timeouts that are shorter than that, as in tests. */
const TICK_MS_MIN = 20;

/** Serves connections of HTTP/2. A stream is a gRPC call, or an HTTP request like one of HTTP/1.1. */
export class Http2Connections {
  readonly #options: DoorOptions;
  readonly connections: Set<Http2Connection> = new Set();
  readonly #shared: Http2Shared;
  #timer: unknown;
  #isClosing = false;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.#shared = {
      now: 0,
      date: Buffer.alloc(0),
      limits: options.limits,
      clock: options.clock,
      serve: (stream, head, connection) => this.#serve(stream, head, connection),
      forget: (connection) => this.connections.delete(connection),
    };
  }

  /** Takes a connection before anything was read from it, or with what was read put back. */
  open(socket: Socket): void {
    if (this.#timer === undefined) this.#tick();
    const connection = new Http2Connection(socket, this.#shared);
    this.connections.add(connection);
    if (this.#isClosing) connection.close();
  }

  /** Closes idle connections, and the others after their calls. */
  close(): void {
    this.#isClosing = true;
    for (const connection of this.connections) connection.close();
  }

  #serve(stream: ServerStream, head: Http2Head, connection: Http2Connection): void {
    const { peer } = connection;
    const { sites } = this.#options.router;
    if (head.plain !== undefined && !sites.takesPost(head.plain.incoming.target)) {
      const serve = (): StreamListener => this.#serveHttp(stream, head, peer);
      connection.addArriving(new PlainCall(stream, head.plain, { options: this.#options, serve }));
      return;
    }
    if (head.isGrpc && !head.isTooLong) {
      const { headers, isForwarded } = head;
      serveGrpcStream(stream, { headers, socket: peer, isForwarded }, this.#options);
      return;
    }
    this.#serveHttp(stream, head, peer);
  }

  #serveHttp(stream: ServerStream, head: Http2Head, peer: Connection): StreamListener {
    const request = new Http2Request(stream, head, peer);
    if (head.isTooLong) {
      writeProblem(request.response, headersTooLarge());
      discardBody(request);
    } else serveHttp(request, request.response, this.#options);
    return request;
  }

  /** Ticks as long as there are connections. */
  readonly #tick = (): void => {
    const { clock, limits } = this.#options;
    const shared = this.#shared;
    // An integer is stored without an allocation.
    shared.now = Math.floor(clock.now());
    shared.date = encodeField("date", new Date(clock.wallTime()).toUTCString());
    for (const connection of this.connections) connection.onTick();
    const { headersTimeoutMs, idleConnectionTimeoutMs, pingIntervalMs } = limits;
    const shortest = Math.min(headersTimeoutMs, idleConnectionTimeoutMs, pingIntervalMs);
    const delayMs = Math.min(TICK_MS, Math.max(TICK_MS_MIN, shortest / 4));
    this.#timer = clock.setTimeout(() => {
      this.#timer = undefined;
      if (this.connections.size > 0) this.#tick();
    }, delayMs);
  };
}
