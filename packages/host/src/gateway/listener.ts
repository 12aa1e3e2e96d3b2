import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import type { TLSSocket, Server as TlsServer } from "node:tls";
import { LeverError } from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import type { Log } from "../logs/log.ts";
import { Connections, type HeldConnection } from "./connections.ts";
import { LINGER_MS } from "./http/discard-body.ts";
import type { Http1 } from "./http/server.ts";
import { rejectConnection } from "./http/write-response.ts";
import { keepAlive } from "./keep-alive.ts";

/** The first bytes of an HTTP/2 connection with prior knowledge (RFC 9113, 3.4). No HTTP/1.1 method begins with them. */
const HTTP2_PREFACE = "PRI";
const NOTHING: Buffer = Buffer.alloc(0);
/** The first byte of a TLS connection, a handshake record (RFC 8446, 5.1). No HTTP begins with it. */
const TLS_HANDSHAKE = 0x16;

/** One port for HTTP/1.1 and HTTP/2, in cleartext or all of it over TLS: the first bytes of a connection decide. */
export interface Listener {
  readonly port: number;
  /** Accepts no more connections and closes idle ones. Resolves when the others have ended. */
  close(): Promise<void>;
  /** Closes every connection at once. */
  destroyConnections(): void;
}

export interface Servers {
  readonly http1: Http1;
  readonly http2: {
    /** Takes a new connection of HTTP/2. */
    open(socket: Socket): void;
    readonly connections: Iterable<HeldConnection>;
    close(): void;
  };
  /** Connections that were upgraded to links. */
  readonly links: Iterable<HeldConnection>;
  /** With it, everything goes over TLS. It must limit the time of a handshake. */
  readonly tls: TlsServer | undefined;
  /**
   * Opens the fast path. It passes connections that it cannot serve to `handOver`, with the first bytes of those that have had
   * no call, which may be of HTTP/2.
   */
  readonly openFast: (handOver: (socket: Socket, first: Buffer | undefined) => void) => FastPath;
}

/** Serves connections of plain requests. */
interface FastPath {
  /** Takes a new connection of HTTP. */
  take(socket: Socket): void;
  readonly connections: Iterable<HeldConnection>;
  close(): void;
}

export interface ListenOptions {
  readonly bind: string;
  /** 0 = any free port. */
  readonly port: number;
  /** Other processes listen on the same port; the system spreads connections over all of them. */
  readonly isShared: boolean;
  /** A connection that sends nothing for this long is closed. */
  readonly headersTimeoutMs: number;
  readonly pingIntervalMs: number;
  /** Has every open connection; one over TLS a second time once its handshake is done. */
  readonly sockets: Set<Socket>;
  /** Answers and closes a cleartext connection to a port for TLS. */
  readonly refuseCleartext: (socket: Socket) => void;
  /** At this number, a new connection takes the place of an idle one, or is refused. */
  readonly connectionsMax: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** @throws the system's error when the port is not available. */
export async function listen(servers: Servers, options: ListenOptions): Promise<Listener> {
  const { tls, openFast, links } = servers;
  const http1 = servers.http1.server;
  const { http2 } = servers;
  const { bind, port, isShared, refuseCleartext, sockets } = options;
  // The HTTP/1.1 server listens, and checks the time of requests. Its connections are first looked at here.
  http1.removeAllListeners("connection");
  const openHttp2 = (socket: Socket): void => {
    keepAlive(socket, options);
    // The HTTP/1.1 server allows sockets whose peer has ended.
    socket.allowHalfOpen = false;
    http2.open(socket);
  };
  const openHttp1 = (socket: Socket): void => {
    keepAlive(socket, options);
    servers.http1.open(socket);
  };
  const inspected = new Set<HeldConnection>();
  const fast = openFast((socket, first) => {
    const isHttp2 = first === undefined ? false : beginsHttp2(first);
    if (isHttp2 !== undefined) {
      if (isHttp2) openHttp2(socket);
      else openHttp1(socket);
      return;
    }
    inspect(socket, { ...options, inspected }, (bytes) => {
      const isHttp2 = beginsHttp2(bytes);
      if (isHttp2 === undefined) return undefined;
      return () => (isHttp2 ? openHttp2(socket) : openHttp1(socket));
    });
  });
  const connections = new Connections({
    ...options,
    held: [inspected, fast.connections, servers.http1.connections, http2.connections, links],
  });
  const openHttp = (socket: Socket): void => {
    if (connections.admit(socket)) {
      fast.take(socket);
      return;
    }
    socket.on("error", () => {});
    inspect(socket, options, (first) => {
      const isHttp2 = beginsHttp2(first);
      if (isHttp2 === undefined) return undefined;
      return () => {
        if (isHttp2) socket.destroy();
        else rejectConnection(socket, tooManyConnections(options), LINGER_MS);
      };
    });
  };
  const openTls = (socket: Socket): void =>
    awaitFirst(socket, options, (first) => {
      if (first[0] !== TLS_HANDSHAKE) {
        refuseCleartext(socket);
        return;
      }
      // The parts of a handshake are short.
      socket.setNoDelay(true);
      // A handshake that its caller ends would otherwise wait for its time limit.
      socket.allowHalfOpen = false;
      tls?.emit("connection", socket);
    });
  // One function for all connections.
  function forget(this: Socket): void {
    sockets.delete(this);
  }
  const remember = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("close", forget);
  };
  http1.on("connection", (socket: Socket) => {
    remember(socket);
    if (tls === undefined) openHttp(socket);
    else openTls(socket);
  });
  tls?.on("secureConnection", (socket: TLSSocket) => {
    remember(socket);
    if (socket.alpnProtocol === "h2") openHttp2(socket);
    else openHttp(socket);
  });
  http1.listen({ host: bind, port, reusePort: isShared });
  try {
    await once(http1, "listening");
  } catch (error) {
    fast.close();
    throw error;
  }
  return {
    port: (http1.address() as AddressInfo).port,
    close() {
      http2.close();
      fast.close();
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

/** undefined = more bytes have to arrive to find out. */
function beginsHttp2(first: Buffer): boolean | undefined {
  const head = first.toString("latin1", 0, HTTP2_PREFACE.length);
  if (head === HTTP2_PREFACE) return true;
  return HTTP2_PREFACE.startsWith(head) ? undefined : false;
}

/**
 * Passes a connection's first bytes to `choose` until it returns the server that takes the connection. The bytes are then
 * put back for that server to read. A connection that no server takes within the time, or that ends before, is closed.
 */
function inspect(
  socket: Socket,
  options: Pick<ListenOptions, "clock" | "headersTimeoutMs"> & {
    /** Has the connection until a server takes it. */
    readonly inspected?: Set<HeldConnection>;
  },
  choose: (first: Buffer) => (() => void) | undefined,
): void {
  const { clock, headersTimeoutMs, inspected } = options;
  let first = NOTHING;
  const close = (): void => {
    socket.destroy();
  };
  const held = { idleSince: clock.now(), close };
  inspected?.add(held);
  const timer = clock.setTimeout(close, headersTimeoutMs);
  const onClose = (): void => {
    clock.clearTimeout(timer);
    inspected?.delete(held);
  };
  const onReadable = (): void => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    first = first.length === 0 ? chunk : Buffer.concat([first, chunk]);
    const open = choose(first);
    if (open === undefined) return;
    onClose();
    socket.off("readable", onReadable);
    socket.off("end", close);
    socket.off("error", ignoreError);
    socket.off("close", onClose);
    socket.unshift(first);
    open();
  };
  socket.on("error", ignoreError);
  socket.on("close", onClose);
  socket.on("end", close);
  socket.on("readable", onReadable);
}

/**
 * Passes a connection's first bytes to `open`, after they are put back. Does less than `inspect`, for each connection of TLS: one
 * byte is enough.
 */
function awaitFirst(
  socket: Socket,
  { clock, headersTimeoutMs }: Pick<ListenOptions, "clock" | "headersTimeoutMs">,
  open: (first: Buffer) => void,
): void {
  const timer = clock.setTimeout(() => socket.destroy(), headersTimeoutMs);
  const stopTimer = (): void => clock.clearTimeout(timer);
  socket.on("error", ignoreError);
  socket.on("close", stopTimer);
  socket.on("end", destroyThis);
  socket.once("data", (first: Buffer) => {
    stopTimer();
    socket.off("error", ignoreError);
    socket.off("close", stopTimer);
    socket.off("end", destroyThis);
    // The next reader takes the bytes itself.
    socket.pause();
    socket.unshift(first);
    open(first);
  });
}

function destroyThis(this: Socket): void {
  this.destroy();
}

function tooManyConnections({ connectionsMax }: Pick<ListenOptions, "connectionsMax">): LeverError {
  return new LeverError(
    "overloaded",
    `Cannot accept the connection: ${connectionsMax} are in use, the limit connectionsMax.`,
    { retryAfterSeconds: 1 },
  );
}

/** "close" follows. */
function ignoreError(): void {}
