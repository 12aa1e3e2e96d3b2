import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A way to a host through something in between, such as a proxy. */
export interface Passage extends AsyncDisposable {
  /** `127.0.0.1:port` */
  readonly address: string;
  /** Connections so far; those that asked for a link. */
  readonly taken: { connections: number; links: number };
  /** Cuts every connection that is there. */
  cut(): void;
}

/** What becomes of a request for a link. */
export type OnLink = "passed" | "answered" | "cut";

export async function openPassage(to: string, onLink: OnLink = "passed"): Promise<Passage> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  };
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const taken = { connections: 0, links: 0 };
  const server = createServer((incoming) => {
    taken.connections++;
    keep(incoming);
    incoming.once("data", (first: Buffer) => {
      if (/^upgrade: lever-link/im.test(first.toString("latin1"))) {
        taken.links++;
        if (onLink === "cut") incoming.destroy();
        if (onLink === "answered") {
          incoming.end(
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
          );
        }
        if (onLink !== "passed") return;
      }
      const [host = "", port] = to.split(":");
      const outgoing = connect(Number(port), host);
      keep(outgoing);
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
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    taken,
    cut,
    async [Symbol.asyncDispose]() {
      server.close();
      cut();
      await once(server, "close");
    },
  };
}
