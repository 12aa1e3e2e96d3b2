import { once } from "node:events";
import type { Server as Http1Server } from "node:http";
import type { Http2Server } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import type { TLSSocket, Server as TlsServer } from "node:tls";
import type { FastConnections } from "./http/fast/fast-connections.ts";

/** The first bytes of an HTTP/2 connection by prior knowledge (RFC 9113, 3.4): no HTTP/1 method begins so. */
const HTTP2_PREFACE = "PRI";
/** The first byte of a TLS connection: a record of a handshake (RFC 8446, 5.1). No HTTP begins so. */
const TLS_HANDSHAKE = 0x16;

/** One port for HTTP/1 and HTTP/2, in cleartext or all of it over TLS: what a connection sends first tells them apart. */
export interface Listener {
  readonly port: number;
  /** Takes no new connections, and resolves when those that are there have ended; idle ones end at once. */
  close(): Promise<void>;
  /** Cuts every connection that is left. */
  destroyConnections(): void;
}

export interface Servers {
  readonly http1: Http1Server;
  readonly http2: Http2Server;
  /** With it, everything goes over TLS; it has to bound the time of a handshake. */
  readonly tls: TlsServer | undefined;
  /** What takes connections before the HTTP/1 server, and hands them over to it. */
  readonly openDirect: (handOver: (socket: Socket) => void) => FastConnections;
}

export interface ListenOptions {
  readonly bind: string;
  /** 0 = any free port. */
  readonly port: number;
  /** Others listen on the same port, and connections are spread over all of them. */
  readonly isShared: boolean;
  /** A connection that sends nothing for this long is closed. */
  readonly headersTimeoutMs: number;
  /** Answers and ends a connection that does not speak TLS where it has to. */
  readonly refuseCleartext: (socket: Socket) => void;
}

/** @throws the system's error when the port is not to be had. */
export async function listen(servers: Servers, options: ListenOptions): Promise<Listener> {
  const { http1, http2, tls, openDirect } = servers;
  const { bind, port, isShared, headersTimeoutMs, refuseCleartext } = options;
  const sockets = new Set<Socket>();
  let isClosing = false;

  http2.on("session", (session) => {
    if (isClosing) session.close();
    else sessions.add(session);
    session.on("close", () => sessions.delete(session));
  });
  const sessions = new Set<{ close(): void }>();

  // The HTTP/1 server listens, and with it its own watch over slow requests; its connections are looked at first.
  const [openHttp1] = http1.listeners("connection");
  http1.removeAllListeners("connection");
  const openHttp2 = (socket: Socket): void => {
    // HTTP/1's server leaves a socket open whose other side has ended; a session over it would never hear of that.
    socket.allowHalfOpen = false;
    http2.emit("connection", socket);
  };
  const direct = openDirect((socket) => openHttp1?.call(http1, socket));
  const openHttp = (socket: Socket): void =>
    handOver(socket, headersTimeoutMs, (first) => {
      const head = first.toString("latin1", 0, HTTP2_PREFACE.length);
      if (head === HTTP2_PREFACE) return () => openHttp2(socket);
      if (HTTP2_PREFACE.startsWith(head)) return undefined;
      return () => {
        if (!direct.take(socket, first)) openHttp1?.call(http1, socket);
      };
    });
  const openTls = (socket: Socket): void =>
    handOver(socket, headersTimeoutMs, (first) => () => {
      if (first[0] === TLS_HANDSHAKE) tls?.emit("connection", socket);
      else refuseCleartext(socket);
    });
  http1.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    if (tls === undefined) openHttp(socket);
    else openTls(socket);
  });
  tls?.on("secureConnection", (socket: TLSSocket) => {
    if (socket.alpnProtocol === "h2") openHttp2(socket);
    else openHttp(socket);
  });
  http1.listen({ host: bind, port, reusePort: isShared });
  try {
    await once(http1, "listening");
  } catch (error) {
    direct.close();
    throw error;
  }
  return {
    port: (http1.address() as AddressInfo).port,
    close() {
      isClosing = true;
      for (const session of sessions) session.close();
      direct.close();
      return new Promise((resolve) => {
        http1.close(() => resolve());
        http1.closeIdleConnections();
      });
    },
    destroyConnections() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

/**
 * Shows `choose` a connection's first bytes until it says who takes it over, which then reads them as if nobody had. A
 * connection that nobody takes within the time is closed.
 */
function handOver(
  socket: Socket,
  timeoutMs: number,
  choose: (first: Buffer) => (() => void) | undefined,
): void {
  let first: Buffer = Buffer.alloc(0);
  const timer = setTimeout(() => socket.destroy(), timeoutMs);
  const onClose = (): void => clearTimeout(timer);
  const onError = (): void => {};
  const look = (): void => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    first = first.length === 0 ? chunk : Buffer.concat([first, chunk]);
    const takeOver = choose(first);
    if (takeOver === undefined) return;
    clearTimeout(timer);
    socket.off("readable", look);
    socket.off("error", onError);
    socket.off("close", onClose);
    socket.unshift(first);
    takeOver();
  };
  socket.on("error", onError);
  socket.on("close", onClose);
  socket.on("readable", look);
}
