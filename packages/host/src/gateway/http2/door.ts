import * as http2 from "node:http2";
import type { Clock } from "../../clock.ts";
import type { HeldConnection } from "../connections.ts";
import type { DoorOptions } from "../door-options.ts";
import { isGrpc, serveGrpcStream } from "../grpc/door.ts";
import { serveHttp } from "../http/door.ts";
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
    const connection = new Http2Connection(session, clock);
    connections.add(connection);
    session.on("close", () => connections.delete(connection));
    pingWhileBusy(session, clock, limits.pingIntervalMs);
  });
  server.on("stream", (stream, headers, _flags, rawHeaders) => {
    if (isGrpc(headers)) {
      serveGrpcStream(stream, headers, options);
      return;
    }
    stream.on("error", () => {});
    const request = new http2.Http2ServerRequest(stream, headers, {}, rawHeaders);
    serveHttp(request, new http2.Http2ServerResponse(stream), options);
  });
  return { server, connections };
}

/** A connection of HTTP/2. */
class Http2Connection implements HeldConnection {
  readonly #session: http2.ServerHttp2Session;
  readonly #clock: Clock;
  #streams = 0;
  #idleSince: number;

  constructor(session: http2.ServerHttp2Session, clock: Clock) {
    this.#session = session;
    this.#clock = clock;
    this.#idleSince = clock.now();
    session.on("stream", (stream) => {
      this.#streams++;
      stream.on("close", this.#onStreamClose);
    });
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
