import { EventEmitter } from "node:events";
import type { IncomingHttpHeaders } from "node:http";
import type { Socket } from "node:net";
import type { HttpRequest } from "../exchange.ts";

/**
 * A request whose body is passed on as it arrives. Unlike Node's, it buffers nothing, so that the memory of a piece is free again
 * once its listeners have returned, unless one of them keeps it.
 */
export class StreamedRequest extends EventEmitter implements HttpRequest {
  readonly method = "POST";
  readonly httpVersion = "1.1";
  readonly httpVersionMajor = 1;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly socket: Socket;
  complete = false;
  #keeping: { count: number; release: () => void } | undefined;

  constructor(socket: Socket, { url, headers }: Pick<HttpRequest, "headers"> & { url: string }) {
    super();
    this.socket = socket;
    this.url = url;
    this.headers = headers;
  }

  /** Passes a piece of the body on. Returns true when its memory is kept. */
  pass(piece: Buffer): boolean {
    this.#keeping = undefined;
    this.emit("data", piece);
    const isKept = this.#keeping !== undefined && countOf(this.#keeping) > 0;
    this.#keeping = undefined;
    return isKept;
  }

  keep(): () => void {
    this.#keeping ??= newKeeping();
    this.#keeping.count++;
    return this.#keeping.release;
  }

  end(): void {
    this.complete = true;
    this.emit("end");
  }

  fail(error: Error): void {
    if (this.listenerCount("error") > 0) this.emit("error", error);
  }

  pause(): void {
    if (!this.complete) this.socket.pause();
  }

  resume(): void {
    if (!this.complete) this.socket.resume();
  }

  destroy(): void {
    this.socket.destroy();
  }
}

function newKeeping(): { count: number; release: () => void } {
  const keeping = {
    count: 0,
    release: (): void => {
      keeping.count--;
    },
  };
  return keeping;
}

const countOf = ({ count }: { count: number }): number => count;
