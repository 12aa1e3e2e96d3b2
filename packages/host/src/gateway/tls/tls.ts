import type { Socket } from "node:net";
import { createServer, type SecureContextOptions, type Server } from "node:tls";
import { LeverError } from "@leveros/protocol";
import { rejectConnection } from "../http/respond.ts";
import type { Certificate } from "./certificate.ts";

/** What a client may choose from by ALPN. One that offers only others is refused; one that offers nothing speaks HTTP/1. */
const PROTOCOLS = ["h2", "http/1.1"];

/** Makes connections that it is handed secure; it does not listen itself. */
export function createTls(
  certificate: Certificate,
  handshakeTimeoutMs: number,
  ticketKeys?: Buffer,
): Server {
  const server = createServer({
    ...contextOf(certificate),
    ALPNProtocols: PROTOCOLS,
    handshakeTimeout: handshakeTimeoutMs,
    ...(ticketKeys && { ticketKeys }),
  });
  // Of a handshake that takes too long Node only tells.
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  return server;
}

/** From now on handshakes use this certificate; connections that are there go on. */
export function replaceCertificate(server: Server, certificate: Certificate): void {
  server.setSecureContext(contextOf(certificate));
}

function contextOf({ cert, key }: Certificate): SecureContextOptions {
  return { cert, key, minVersion: "TLSv1.2" };
}

/** Tells who speaks HTTP to a port for HTTPS so, and ends the connection, at the latest after the time. */
export function refuseCleartext(socket: Socket, timeoutMs: number): void {
  socket.on("error", () => {});
  rejectConnection(
    socket,
    new LeverError(
      "malformed_request",
      "Cannot read the request: this port speaks TLS, so use https://.",
    ),
    timeoutMs,
  );
}
