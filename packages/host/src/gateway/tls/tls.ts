import type { Socket } from "node:net";
import { createServer, type SecureContextOptions, type Server } from "node:tls";
import { LeverError } from "@leveros/protocol";
import { rejectConnection } from "../http/write-response.ts";
import type { Certificate } from "./certificate.ts";

/** A client that offers only other protocols (ALPN) is refused; one that offers none uses HTTP/1.1. */
const PROTOCOLS = ["h2", "http/1.1"];

/** A TLS server for connections that are passed to it; it does not listen itself. */
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
  // Node reports a handshake that takes too long, but leaves its connection open.
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  return server;
}

/** Uses another certificate for new handshakes; open connections continue. */
export function replaceCertificate(server: Server, certificate: Certificate): void {
  server.setSecureContext(contextOf(certificate));
}

function contextOf({ cert, key }: Certificate): SecureContextOptions {
  return { cert, key, minVersion: "TLSv1.2" };
}

/** Answers HTTP without TLS on a port for HTTPS, and closes the connection after the time at the latest. */
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
