import { once } from "node:events";
import type { Http2Server } from "node:http2";
import { createServer } from "node:net";
import {
  type Assignment,
  type CallListener,
  defaultLimits,
  type Link,
  OUTSIDE,
} from "@leveros/protocol";
import { serveGrpc } from "../grpc/grpc-call.ts";
import { countPassed } from "./buffer-garbage.ts";

/**
 * Opens the local gRPC port for the outgoing calls of an `entry` service's program, and returns its `host:port`. The calls
 * go over this instance's link, which identifies the caller. The requests cannot claim another.
 */
export async function openOutgoingGrpcServer(link: Link, assignment: Assignment): Promise<string> {
  let http2: Http2Server | undefined;
  const server = createServer((socket) => {
    // Node's HTTP/2 takes 2 MB, and few programs call other services.
    http2 ??= createHttp2Server(link, assignment);
    http2.emit("connection", socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  server.unref();
  const address = server.address();
  return `127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
}

function createHttp2Server(link: Link, assignment: Assignment): Http2Server {
  const limits = { ...defaultLimits, bodyBytesMax: assignment.bodyBytesMax };
  const server = process.getBuiltinModule("node:http2").createServer();
  server.on("session", (session) => session.on("error", () => {}));
  server.on("stream", (stream, headers) => {
    stream.on("data", (chunk: Buffer) => countPassed(chunk.length));
    serveGrpc(stream, headers, {
      admit:
        (start) =>
        ({ kind, bytes: body }, listener, hasMore) =>
          link.open({ ...start, caller: OUTSIDE, kind, body }, counted(listener), hasMore),
      environment: assignment.environment,
      limits,
    });
  });
  return server;
}

function counted(listener: CallListener): CallListener {
  return {
    ...listener,
    onMessage(kind, bytes) {
      countPassed(bytes.length);
      listener.onMessage(kind, bytes);
    },
  };
}
