import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** An address on loopback that leads to one server, and from some moment on to another: what a changed name does. */
export interface Switch extends AsyncDisposable {
  readonly port: number;
  /** Connections that are there end; new ones lead to this origin. */
  leadTo(origin: string): void;
}

export async function openSwitch(): Promise<Switch> {
  let port = 0;
  const sockets = new Set<Socket>();
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const server = createServer((incoming) => {
    const outgoing = connect(port, "127.0.0.1");
    const ends = [incoming, outgoing] as const;
    for (const socket of ends) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        for (const other of ends) other.destroy();
      });
    }
    incoming.pipe(outgoing).pipe(incoming);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    leadTo(origin) {
      port = Number(new URL(origin).port);
      cut();
    },
    async [Symbol.asyncDispose]() {
      server.close();
      cut();
      await once(server, "close");
    },
  };
}
