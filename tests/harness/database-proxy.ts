import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/**
 * The proxy's reaction to a statement:
 * - `lost`: both connections end, and the server does not get it.
 * - `unanswered`: the server gets it, and its answer does not arrive.
 */
type Reaction = "forwarded" | "lost" | "unanswered";

/** A COMMIT, as a client of PostgreSQL sends it. */
const COMMIT = "COMMIT\0";

/** A TCP proxy on loopback before a PostgreSQL. */
export interface DatabaseProxy extends AsyncDisposable {
  /** The URL of a server, by way of the proxy. */
  url(server: string): string;
  /** For one COMMIT, or one statement with another text. The ones after it are forwarded. */
  onNextCommit(reaction: Reaction, text?: string): void;
  /** Ends all connections, and refuses new ones until `open`. */
  cut(): void;
  open(): void;
}

export async function startDatabaseProxy(port: number): Promise<DatabaseProxy> {
  const sockets = new Set<Socket>();
  let next: Reaction = "forwarded";
  let nextText = COMMIT;
  let isOpen = true;
  const server = createServer((incoming) => {
    const outgoing = connect(port, "127.0.0.1");
    let isMute = false;
    for (const socket of [incoming, outgoing]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        incoming.destroy();
        outgoing.destroy();
      });
    }
    if (!isOpen) incoming.destroy();
    incoming.on("data", (bytes: Buffer) => {
      const reaction = bytes.includes(nextText) ? next : "forwarded";
      if (reaction !== "forwarded") next = "forwarded";
      if (reaction === "lost") {
        incoming.destroy();
        return;
      }
      if (reaction === "unanswered") isMute = true;
      outgoing.write(bytes);
    });
    outgoing.on("data", (bytes: Buffer) => {
      if (isMute) incoming.destroy();
      else incoming.write(bytes);
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port: own } = server.address() as AddressInfo;
  const cut = (): void => {
    isOpen = false;
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: (target) => target.replace(/:\d+\//, `:${own}/`),
    onNextCommit: (reaction, text = COMMIT) => {
      next = reaction;
      nextText = text;
    },
    cut,
    open: () => {
      isOpen = true;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      cut();
      await once(server, "close");
    },
  };
}
