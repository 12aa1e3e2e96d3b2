import { once } from "node:events";
import { WebSocket } from "ws";

/** Looks into the memory of a Node process that was started with `--inspect`. */
export class HeapProbe implements Disposable {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (result: unknown) => void>();
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data: Buffer) => {
      const { id, result } = JSON.parse(data.toString()) as { id?: number; result?: unknown };
      if (id === undefined) return;
      this.#waiting.get(id)?.(result);
      this.#waiting.delete(id);
    });
  }

  /** `output` is what the process has written: it says where its inspector listens. */
  static async open(output: string): Promise<HeapProbe> {
    const [, address] = /listening on (ws:\S+)/.exec(output) ?? [];
    if (address === undefined) throw new Error(`Cannot find the inspector in:\n${output}`);
    const socket = new WebSocket(address);
    await once(socket, "open");
    return new HeapProbe(socket);
  }

  /** Bytes that are still in use once everything that is garbage has been collected. */
  async liveBytes(): Promise<number> {
    // The second collection frees what the first one finalizes.
    for (let round = 0; round < 3; round++) await this.#ask("HeapProfiler.collectGarbage");
    const expression = "(({heapUsed, external}) => heapUsed + external)(process.memoryUsage())";
    const answer = await this.#ask("Runtime.evaluate", { expression });
    return (answer as { result: { value: number } }).result.value;
  }

  #ask(method: string, params: object = {}): Promise<unknown> {
    const id = ++this.#lastId;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }
}
