import type { Socket } from "node:net";
import { createServer, type Server, type TlsOptions } from "node:tls";
import { LeverError } from "@leveros/protocol";
import { rejectConnection } from "../http/write-response.ts";
import { type Certificate, contextOf } from "./certificate.ts";
import type { FurtherCertificates } from "./further-certificates.ts";

/** A client that offers only other protocols (ALPN) is refused; one that offers none uses HTTP/1.1. */
const PROTOCOLS = ["h2", "http/1.1"];

/** A TLS server for connections that are passed to it; it does not listen itself. */
export function createTls(
  certificate: Certificate,
  {
    handshakeTimeoutMs,
    ticketKeys,
    further,
  }: {
    readonly handshakeTimeoutMs: number;
    readonly ticketKeys?: Buffer | undefined;
    readonly further: FurtherCertificates | undefined;
  },
): Server {
  const server = createServer({
    ...contextOf(certificate),
    ALPNProtocols: PROTOCOLS,
    handshakeTimeout: handshakeTimeoutMs,
    ...(ticketKeys && { ticketKeys }),
    ...(further && { SNICallback: chooseBy(further) }),
  });
  // Node reports a handshake that takes too long, but leaves its connection open.
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  return server;
}

type SniCallback = NonNullable<TlsOptions["SNICallback"]>;

/** Without a context, the server uses its own. */
function chooseBy(further: FurtherCertificates): SniCallback {
  return (host, choose) => choose(null, further.contextFor(host));
}

/** Uses another certificate for new handshakes; open connections continue. */
export function replaceCertificate(server: Server, certificate: Certificate): void {
  server.setSecureContext(contextOf(certificate));
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
