import { once } from "node:events";
import { isIP } from "node:net";
import { connect, createServer, type TLSSocket } from "node:tls";
import { LeverError } from "@leveros/protocol";
import { SHARED_VERSIONS } from "../cluster/shared-versions.ts";
import { fingerprintOf, type PeerCertificate } from "./peer-certificate.ts";

const { oldest, newest } = SHARED_VERSIONS.links;
/** Two hosts use the first one that both have. Without any, the connection is refused in its handshake. */
const PEER_PROTOCOLS: string[] = Array.from(
  { length: newest - oldest + 1 },
  (_, at) => `lever-peer/${newest - at}`,
);

/** Most connections to the listener for peers, also those that have not shown a certificate yet. */
const CONNECTIONS_MAX = 256;
const HANDSHAKE_TIMEOUT_MS = 5_000;
const KEEP_ALIVE_MS = 10_000;

const noDelays = { noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS } as const;

export interface PeerListenerOptions {
  readonly certificate: PeerCertificate;
  readonly bind: string;
  /** 0 = any free port. */
  readonly port: number;
  /** A process with the key of this fingerprint has connected. It owns the socket. */
  onConnected(socket: TLSSocket, fingerprint: string): void;
  /** A connection ended before it showed a certificate. */
  onRefused(reason: string, address: string | undefined): void;
}

export interface PeerListener {
  readonly port: number;
  /** Takes no new connections. */
  close(): void;
}

/**
 * Listens for other hosts, with TLS 1.3. Each side shows a certificate, and proves that it has the key. No authority has signed
 * it: the fingerprint decides who it is, and nothing else.
 * @throws Error of the system when the port cannot be used.
 */
export async function listenForPeers(options: PeerListenerOptions): Promise<PeerListener> {
  const { certificate, bind, port, onConnected, onRefused } = options;
  const { key, cert } = certificate;
  const server = createServer({
    key,
    cert,
    minVersion: "TLSv1.3",
    requestCert: true,
    rejectUnauthorized: false,
    ALPNProtocols: PEER_PROTOCOLS,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    ...noDelays,
  });
  server.maxConnections = CONNECTIONS_MAX;
  server.on("secureConnection", (socket) => {
    socket.on("error", () => {});
    const fingerprint = peerFingerprint(socket);
    if (fingerprint !== undefined && PEER_PROTOCOLS.includes(socket.alpnProtocol || "")) {
      onConnected(socket, fingerprint);
      return;
    }
    onRefused("it shows no certificate of a host", socket.remoteAddress);
    socket.destroy();
  });
  server.on("tlsClientError", (error, socket) => {
    onRefused(reasonOf(error), socket.remoteAddress);
    socket.destroy();
  });
  server.listen(port, bind);
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The listener has no port.");
  return { port: address.port, close: () => void server.close() };
}

export interface PeerAddress {
  /** `host:port`, with an IPv6 address in brackets. */
  readonly address: string;
  readonly fingerprint: string;
}

/**
 * Connects to another host.
 * @throws LeverError `unreachable` with the reason: it does not answer in time, or is not the host with this fingerprint.
 */
export async function dialPeer(
  { address, fingerprint }: PeerAddress,
  options: {
    readonly certificate: PeerCertificate;
    readonly timeoutMs: number;
    readonly signal: AbortSignal;
  },
): Promise<TLSSocket> {
  const { timeoutMs } = options;
  const { key, cert } = options.certificate;
  const { host, port } = parseAddress(address);
  const socket = connect({
    host,
    port,
    key,
    cert,
    minVersion: "TLSv1.3",
    rejectUnauthorized: false,
    ALPNProtocols: PEER_PROTOCOLS,
    ...(isIP(host) === 0 && { servername: host }),
  });
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  try {
    const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), options.signal]);
    await once(socket, "secureConnect", { signal });
  } catch (error) {
    socket.on("error", () => {});
    socket.destroy();
    throw unreachable(address, isTimeout(error) ? "it does not answer" : reasonOf(error), error);
  }
  socket.on("error", () => {});
  if (peerFingerprint(socket) === fingerprint) return socket;
  socket.destroy();
  throw unreachable(address, "another host answers there: its certificate is not the expected one");
}

function peerFingerprint(socket: TLSSocket): string | undefined {
  const certificate = socket.getPeerX509Certificate();
  return certificate && fingerprintOf(certificate);
}

function parseAddress(address: string): { host: string; port: number } {
  const [, bracketed, plain = "", port = ""] =
    /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(address) ?? [];
  return { host: bracketed ?? plain, port: Number(port) };
}

function unreachable(address: string, reason: string, cause?: unknown): LeverError {
  return new LeverError("unreachable", `Cannot reach the host at ${address}: ${reason}.`, {
    cause,
  });
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

function reasonOf(error: unknown): string {
  const { code, message } =
    error instanceof Error && "code" in error
      ? { code: error.code, message: error.message }
      : { code: undefined, message: String(error) };
  if (code === "ERR_SSL_NO_APPLICATION_PROTOCOL" || /no application protocol/i.test(message)) {
    return `it does not speak ${PEER_PROTOCOLS.join(" or ")}: update the host with the older Lever`;
  }
  return typeof code === "string" ? code : message;
}
