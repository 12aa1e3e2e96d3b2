import type { Socket } from "node:net";

const BYTES = 64 * 1024;
/** Between uploads. Ten thousand connections have this much. */
const IDLE_BYTES = 16 * 1024;

/** The handle of a socket of Node that is not TLS. */
interface Handle {
  useUserBuffer(memory: Buffer): void;
}

/** Fields of Node's sockets: what the option `onread` of a client's socket sets. */
const FIELDS = ["kBuffer", "kBufferCb", "kBufferGen"];

/**
 * Memory that a connection is read into, again and again. Node allocates memory for each read of a server's socket: for large
 * uploads that takes as long as the read.
 */
export class ReadMemory {
  #memory: Buffer = Buffer.allocUnsafeSlow(BYTES);
  #isKept = false;
  readonly #socket: Socket;
  /**
   * Takes what was read as "data" does, but the memory is overwritten after it has returned, unless it returns true.
   * undefined = "data" gets copies.
   */
  onRead: ((bytes: Buffer) => boolean) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** From now on, the socket is read into such memory. undefined = it cannot be. */
  static of(socket: Socket): ReadMemory | undefined {
    const handle = handleOf(socket);
    const [buffer, callback, next] = FIELDS.map((name) =>
      Object.getOwnPropertySymbols(socket).find(({ description }) => description === name),
    );
    if (!handle || !buffer || !callback || !next) return undefined;
    const memory = new ReadMemory(socket);
    Object.assign(socket, {
      [buffer]: memory.#memory,
      [callback]: (bytes: number) => memory.#take(bytes),
      [next]: () => memory.#next(),
    });
    handle.useUserBuffer(memory.#memory);
    return memory;
  }

  #take(bytes: number): void {
    const piece = this.#memory.subarray(0, bytes);
    if (this.onRead === undefined) this.#socket.emit("data", Buffer.from(piece));
    else this.#isKept = this.onRead(piece);
  }

  /** Node asks for it after each read. */
  #next(): Buffer {
    const bytes = this.onRead === undefined ? IDLE_BYTES : BYTES;
    if (this.#isKept || this.#memory.length !== bytes) {
      this.#memory = Buffer.allocUnsafeSlow(bytes);
      this.#isKept = false;
    }
    return this.#memory;
  }
}

/** TLS decrypts into memory of its own. */
function handleOf(socket: Socket): Handle | undefined {
  const { _handle: handle } = socket as { _handle?: Partial<Handle> | null };
  const isUsable = typeof handle?.useUserBuffer === "function" && !("encrypted" in socket);
  return isUsable ? (handle as Handle) : undefined;
}
