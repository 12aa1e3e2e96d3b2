import { once } from "node:events";
import type { Server as Http1Server } from "node:http";
import type { Http2Server } from "node:http2";
import type { AddressInfo, Socket } from "node:net";

/** The first bytes of an HTTP/2 connection by prior knowledge (RFC 9113, 3.4): no HTTP/1 method begins so. */
const HTTP2_PREFACE = "PRI";

/** One port for HTTP/1 and HTTP/2 in cleartext: what a connection sends first tells them apart. */
export interface Listener {
  readonly port: number;
  /** Takes no new connections, and resolves when those that are there have ended; idle ones end at once. */
  close(): Promise<void>;
  /** Cuts every connection that is left. */
  cut(): void;
}

export interface ListenOptions {
  readonly bind: string;
  /** 0 = any free port. */
  readonly port: number;
  /** A connection that sends nothing for this long is closed. */
  readonly headersTimeoutMs: number;
}

/** @throws the system's error when the port is not to be had. */
export async function listen(
  servers: { http1: Http1Server; http2: Http2Server },
  { bind, port, headersTimeoutMs }: ListenOptions,
): Promise<Listener> {
  const { http1, http2 } = servers;
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
  http1.on("connection", (socket: Socket) => {
    const timer = setTimeout(() => socket.destroy(), headersTimeoutMs);
    let first: Buffer = Buffer.alloc(0);
    const onError = (): void => {};
    const look = (): void => {
      const chunk = socket.read() as Buffer | null;
      if (chunk === null) return;
      first = first.length === 0 ? chunk : Buffer.concat([first, chunk]);
      const head = first.toString("latin1", 0, HTTP2_PREFACE.length);
      if (head.length < HTTP2_PREFACE.length && HTTP2_PREFACE.startsWith(head)) return;
      clearTimeout(timer);
      socket.off("readable", look);
      socket.off("error", onError);
      socket.unshift(first);
      if (head === HTTP2_PREFACE) {
        // HTTP/1's server leaves a socket open whose other side has ended; a session over it would never hear of that.
        socket.allowHalfOpen = false;
        http2.emit("connection", socket);
      } else openHttp1?.call(http1, socket);
    };
    sockets.add(socket);
    socket.on("error", onError);
    socket.on("close", () => {
      clearTimeout(timer);
      sockets.delete(socket);
    });
    socket.on("readable", look);
  });
  http1.listen({ host: bind, port });
  await once(http1, "listening");
  return {
    port: (http1.address() as AddressInfo).port,
    close() {
      isClosing = true;
      for (const session of sessions) session.close();
      return new Promise((resolve) => {
        http1.close(() => resolve());
        http1.closeIdleConnections();
      });
    },
    cut() {
      for (const socket of sockets) socket.destroy();
    },
  };
}
