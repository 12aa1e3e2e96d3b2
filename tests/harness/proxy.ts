import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A TCP proxy on loopback between a client and a host. */
export interface TestProxy extends AsyncDisposable {
  /** `127.0.0.1:port` */
  readonly address: string;
  readonly port: number;
  /** Connections so far, and how many of them asked for a link. */
  readonly counts: { readonly connections: number; readonly links: number };
  /** Closes every connection. */
  closeConnections(): void;
  /** Closes every connection. New ones go to this address or origin: what a changed DNS record does. */
  retarget(target: string): void;
}

/** The proxy's reaction to a request for a link. */
export type OnLink = "forwarded" | "refused" | "closed";

/** `target`: `host:port`, or an origin. */
export async function startProxy(target: string, onLink: OnLink = "forwarded"): Promise<TestProxy> {
  let to = addressOf(target);
  const sockets = new Set<Socket>();
  const track = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  };
  const closeConnections = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const counts = { connections: 0, links: 0 };
  const server = createServer((incoming) => {
    counts.connections++;
    track(incoming);
    incoming.once("data", (first: Buffer) => {
      if (/^upgrade: lever-link/im.test(first.toString("latin1"))) {
        counts.links++;
        if (onLink === "closed") incoming.destroy();
        if (onLink === "refused") {
          incoming.end(
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
          );
        }
        if (onLink !== "forwarded") return;
      }
      const outgoing = connect(to.port, to.host);
      track(outgoing);
      for (const socket of [incoming, outgoing]) {
        socket.on("close", () => {
          incoming.destroy();
          outgoing.destroy();
        });
      }
      outgoing.write(first);
      incoming.pipe(outgoing).pipe(incoming);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    port,
    counts,
    closeConnections,
    retarget(other) {
      to = addressOf(other);
      closeConnections();
    },
    async [Symbol.asyncDispose]() {
      server.close();
      closeConnections();
      await once(server, "close");
    },
  };
}

function addressOf(target: string): { host: string; port: number } {
  const { hostname: host, port } = new URL(target.includes("://") ? target : `http://${target}`);
  return { host, port: Number(port) };
}
