import type { Socket } from "node:net";
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

/** Passes the calls of the program on this connection to the link. */
export function serveOutgoingGrpc(socket: Socket, link: Link, assignment: Assignment): void {
  const limits = { ...defaultLimits, bodyBytesMax: assignment.bodyBytesMax };
  const options: GrpcOptions = {
    admit:
      (start) =>
      ({ kind, bytes: body }, listener, hasMore) =>
        link.open({ ...start, caller: OUTSIDE, kind, body }, counted(listener), hasMore),
    environment: assignment.environment,
    limits,
  };
  socket.on("data", (chunk: Buffer) => countPassed(chunk.length));
  new ServerConnection(socket, {
    headerBytesMax: limits.headerBytesMax,
    readHead: ({ headers }) => headers,
    onStream: (stream, headers) => serveGrpc(stream, headers, options),
    onIdle() {},
    date: () => NO_DATE,
    now: Date.now,
  });
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
