import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { freePort } from "./free-port.ts";

/** Processes of the service that may still run: the newest one, and those before it that finish their calls. */
const PROCESSES_MAX = 8;

/**
 * One port for the debugger of a service, over all of its processes: a connection goes to the newest process that listens.
 * A debugger that connects again after a deploy finds the new code.
 */
export class DebuggerPort {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** The ports of its processes, the newest one first. */
  #targets: readonly number[] = [];

  private constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket) => void this.#pass(socket));
  }

  /** @param from the first port to try. */
  static async open(from: number): Promise<DebuggerPort> {
    const port = await freePort(from);
    const server = createServer();
    server.listen({ host: "127.0.0.1", port });
    await once(server, "listening");
    return new DebuggerPort(server);
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  /** The options of Node for a new process. */
  async nodeOptions(): Promise<string> {
    const port = await freePort(0);
    this.#targets = [port, ...this.#targets].slice(0, PROCESSES_MAX);
    // The process itself prints nothing about its port.
    return `--inspect=127.0.0.1:${port} --inspect-publish-uid=http`;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  async #pass(socket: Socket): Promise<void> {
    this.#keep(socket);
    for (const port of this.#targets) {
      const target = connect({ host: "127.0.0.1", port });
      this.#keep(target);
      const isOpen = await once(target, "connect").then(
        () => true,
        () => false,
      );
      if (!isOpen) continue;
      socket.pipe(target).pipe(socket);
      socket.once("close", () => target.destroy());
      target.once("close", () => socket.destroy());
      return;
    }
    socket.destroy();
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => this.#sockets.delete(socket));
  }
}
