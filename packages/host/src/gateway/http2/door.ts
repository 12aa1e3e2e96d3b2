import * as http2 from "node:http2";
import type { DoorOptions } from "../door-options.ts";
import { isGrpc, serveGrpcCall } from "../grpc/door.ts";
import { serveHttp } from "../http/door.ts";
import { closeWhenIdle } from "./idle-session.ts";

/** Bytes of one stream that the peer may send before the gateway has read them. */
const STREAM_WINDOW_BYTES = 256 * 1024;
/** Bytes of all streams of one connection that the peer may send before the gateway has read them. */
const CONNECTION_WINDOW_BYTES: number = 16 * STREAM_WINDOW_BYTES;
/** Calls that are open on one connection at once. */
const STREAMS_MAX = 1_000;

/** Node's HTTP/2 server, which does not listen itself. A stream is a gRPC call or an HTTP request like one of HTTP/1.1. */
export function createHttp2(options: DoorOptions): http2.Http2Server {
  const { limits } = options;
  const server = http2.createServer({
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
  });
  server.on("stream", (stream, headers, _flags, rawHeaders) => {
    if (isGrpc(headers)) {
      serveGrpcCall(stream, headers, options);
      return;
    }
    stream.on("error", () => {});
    const request = new http2.Http2ServerRequest(stream, headers, {}, rawHeaders);
    serveHttp(request, new http2.Http2ServerResponse(stream), options);
  });
  return server;
}
