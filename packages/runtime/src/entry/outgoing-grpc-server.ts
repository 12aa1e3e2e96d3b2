import { once } from "node:events";
import { createServer } from "node:net";
import {
  type Assignment,
  type CallListener,
  defaultLimits,
  type Link,
  OUTSIDE,
} from "@leveros/protocol";
import { countPassed } from "../buffer-garbage.ts";
import { type GrpcOptions, serveGrpc } from "../grpc/grpc-call.ts";
import { ServerConnection } from "../http2/server-connection.ts";

const NO_DATE: Uint8Array = new Uint8Array(0);

/**
 * Opens the local gRPC port for the outgoing calls of an `entry` service's program, and returns its `host:port`. The calls
 * go over this instance's link, which identifies the caller. The requests cannot claim another.
 */
export async function openOutgoingGrpcServer(link: Link, assignment: Assignment): Promise<string> {
  const limits = { ...defaultLimits, bodyBytesMax: assignment.bodyBytesMax };
  const options: GrpcOptions = {
    admit:
      (start) =>
      ({ kind, bytes: body }, listener, hasMore) =>
        link.open({ ...start, caller: OUTSIDE, kind, body }, counted(listener), hasMore),
    environment: assignment.environment,
    limits,
  };
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("data", (chunk: Buffer) => countPassed(chunk.length));
    new ServerConnection(socket, {
      headerBytesMax: limits.headerBytesMax,
      readHead: ({ headers }) => headers,
      onStream: (stream, headers) => serveGrpc(stream, headers, options),
      onIdle() {},
      date: () => NO_DATE,
      now: Date.now,
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  server.unref();
  const address = server.address();
  return `127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
}

function counted(listener: CallListener): CallListener {
  return {
    onMessage(kind, bytes) {
      countPassed(bytes.length);
      listener.onMessage(kind, bytes);
    },
    onEnd: () => listener.onEnd(),
    onFail: (kind, bytes) => listener.onFail(kind, bytes),
    onAbort: (error) => listener.onAbort(error),
    onDrain: () => listener.onDrain(),
  };
}
