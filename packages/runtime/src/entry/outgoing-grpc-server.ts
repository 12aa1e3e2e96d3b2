import { once } from "node:events";
import { createServer } from "node:http2";
import { type Assignment, defaultLimits, type Link } from "@leveros/protocol";
import { serveGrpc } from "../grpc/grpc-call.ts";

/**
 * Opens the gRPC port through which the program of an `entry` service makes its own calls, and returns its `host:port`.
 * They go over this instance's link: who calls is known by that, and not by anything in the request.
 */
export async function openInternalGateway(link: Link, assignment: Assignment): Promise<string> {
  const limits = { ...defaultLimits, bodyBytesMax: assignment.bodyBytesMax };
  const server = createServer();
  server.on("session", (session) => session.on("error", () => {}));
  server.on("stream", (stream, headers) =>
    serveGrpc(stream, headers, {
      call: ({ url, hasMore, ...request }, events) =>
        link.open({ ...url, ...request }, events, hasMore),
      environment: assignment.environment,
      limits,
    }),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  server.unref();
  const address = server.address();
  return `127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
}
