import { once } from "node:events";
import { createServer } from "node:net";
import type { Assignment, Link } from "@leveros/protocol";

/**
 * Opens the local gRPC port for the outgoing calls of a program, and returns its `host:port`. The calls go over this instance's
 * link, which identifies the caller. The requests cannot claim another. Few programs make calls, so gRPC is loaded for the first
 * connection.
 */
export async function openOutgoingGrpcServer(link: Link, assignment: Assignment): Promise<string> {
  const server = createServer({ noDelay: true, pauseOnConnect: true }, async (socket) => {
    socket.on("error", () => {});
    const { serveOutgoingGrpc } = await import("./serve-outgoing-grpc.ts");
    serveOutgoingGrpc(socket, link, assignment);
    socket.resume();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  server.unref();
  const address = server.address();
  return `127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
}
