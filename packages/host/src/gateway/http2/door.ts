import * as http2 from "node:http2";
import type { Clock } from "../../clock.ts";
import type { Connection } from "../admission/admit-call.ts";
import type { HeldConnection } from "../connections.ts";
import type { DoorOptions } from "../door-options.ts";
import { isGrpc, serveGrpcStream } from "../grpc/door.ts";
import { serveHttp } from "../http/door.ts";
import { Http2Request, Http2Response } from "../http/http2-exchange.ts";
import { pingWhileBusy } from "./busy-session.ts";
import { closeWhenIdle } from "./idle-session.ts";

/** Bytes of one stream that the peer may send before the gateway has read them. */
const STREAM_WINDOW_BYTES = 256 * 1024;
/** Bytes of all streams of one connection that the peer may send before the gateway has read them. */
const CONNECTION_WINDOW_BYTES: number = 16 * STREAM_WINDOW_BYTES;
const MB = 1_000_000;
/** For all of a connection but replies: Node's default. */
const SESSION_MB = 10;
/** Calls that are open on one connection at once. */
const STREAMS_MAX = 1_000;

export interface Http2 {
  readonly server: http2.Http2Server;
  readonly connections: Iterable<Http2Connection>;
}

/** Node's HTTP/2 server, which does not listen itself. A stream is a gRPC call or an HTTP request like one of HTTP/1.1. */
export function createHttp2(options: DoorOptions): Http2 {
  const { limits, clock } = options;
  const connections = new Set<Http2Connection>();
  const server = http2.createServer({
    // By default, a caller with more than 10 MB of replies on their way could make no further call.
    maxSessionMemory: Math.ceil(limits.bufferedReplyBytesMax / MB) + SESSION_MB,
    settings: {
      initialWindowSize: STREAM_WINDOW_BYTES,
      maxConcurrentStreams: STREAMS_MAX,
      maxHeaderListSize: limits.headerBytesMax,
      enablePush: false,
    },
  });
  server.on("session", (session) => {
    session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
    session.on("error", () => {});
    closeWhenIdle(session, limits.idleConnectionTimeoutMs);
    const connection = new Http2Connection(session, clock, limits.pingIntervalMs);
    connections.add(connection);
    session.on("close", () => connections.delete(connection));
    session.on("stream", (stream, headers) => {
      connection.begin(stream);
      if (isGrpc(headers)) {
        serveGrpcStream(stream, { headers, socket: connection.peer }, options);
        return;
      }
      stream.on("error", ignoreError);
      // The caller has reset it in the packet that opened it.
      if (stream.closed) return;
      const request = new Http2Request(stream, headers, connection.peer);
      serveHttp(request, new Http2Response(stream), options);
    });
  });
  return { server, connections };
}

/** "close" follows. */
function ignoreError(): void {}

/** A connection of HTTP/2. */
class Http2Connection implements HeldConnection {
  /** Its addresses, which Node would look up for each call. */
  readonly peer: Connection;
  readonly #session: http2.ServerHttp2Session;
  readonly #clock: Clock;
  readonly #pingLater: () => void;
  #streams = 0;
  #idleSince: number;

  constructor(session: http2.ServerHttp2Session, clock: Clock, pingIntervalMs: number) {
    const { remoteAddress, localAddress } = session.socket;
    this.peer = { remoteAddress, localAddress };
    this.#session = session;
    this.#clock = clock;
    this.#idleSince = clock.now();
    const isBusy = (): boolean => this.#streams > 0;
    this.#pingLater = pingWhileBusy(session, { clock, intervalMs: pingIntervalMs, isBusy });
  }

  /** A new call. */
  begin(stream: http2.ServerHttp2Stream): void {
    this.#streams++;
    stream.on("close", this.#onStreamClose);
    this.#pingLater();
  }

  readonly #onStreamClose = (): void => {
    if (--this.#streams === 0) this.#idleSince = this.#clock.now();
  };

  get idleSince(): number | undefined {
    return this.#streams > 0 || this.#session.closed ? undefined : this.#idleSince;
  }

  close(): void {
    this.#session.close();
  }
}
