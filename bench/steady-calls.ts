import { once } from "node:events";
import { connect, type Socket } from "node:net";

interface SteadyOptions {
  readonly port: number;
  readonly connections: number;
  /** The complete request. */
  readonly request: string;
  /** The end of each response. */
  readonly ending: string;
}

/** Sends the same request over connections that stay open, each time when the response to the one before has come. */
export class SteadyCalls implements Disposable {
  readonly #sockets: readonly Socket[];
  readonly #options: SteadyOptions;

  private constructor(sockets: readonly Socket[], options: SteadyOptions) {
    this.#sockets = sockets;
    this.#options = options;
  }

  static async open(options: SteadyOptions): Promise<SteadyCalls> {
    const { port, connections } = options;
    const sockets = Array.from({ length: connections }, () => connect(port, "127.0.0.1"));
    for (const socket of sockets) {
      socket.setNoDelay(true);
      socket.setEncoding("latin1");
      await once(socket, "connect");
    }
    return new SteadyCalls(sockets, options);
  }

  /** Makes so many calls. @throws Error for a response that is none of a successful call. */
  async make(calls: number): Promise<void> {
    let left = calls;
    await Promise.all(this.#sockets.map((socket) => this.#callOn(socket, () => left-- > 0)));
  }

  async #callOn(socket: Socket, mayCall: () => boolean): Promise<void> {
    const { request, ending } = this.#options;
    let received = "";
    await new Promise<void>((resolve, reject) => {
      const next = (): void => {
        if (mayCall()) socket.write(request, "latin1");
        else resolve();
      };
      const broken = (): void => reject(new Error("Cannot call: the connection is closed."));
      socket.on("close", broken);
      socket.on("data", (text: string) => {
        received += text;
        if (!received.endsWith(ending)) return;
        if (!received.startsWith("HTTP/1.1 200 ")) reject(new Error(`Cannot call: ${received}`));
        received = "";
        next();
      });
      next();
    });
    socket.removeAllListeners("data").removeAllListeners("close");
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
