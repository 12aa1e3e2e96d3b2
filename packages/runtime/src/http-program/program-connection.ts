import { connect, Socket } from "node:net";
import { countPassed } from "../buffer-garbage.ts";
import { type AskedRequest, MalformedAnswer } from "./response-head.ts";
import { type AnswerListener, ResponseReader } from "./response-reader.ts";

/** One for all connections: each read is processed before the next one. Separate ones would be freed by major collections only. */
const READ_MEMORY = Buffer.allocUnsafeSlow(64 * 1024);

export interface ProgramAddress {
  readonly host: string;
  readonly port: number;
}

/** A request on a connection, which gets what comes back. */
export interface ExchangeListener extends AnswerListener {
  /** `write` returned false before. */
  onWritable(): void;
  /** The connection has ended before the answer. `isUntouched`: no byte of it has arrived. */
  onBroken(reason: string, isUntouched: boolean): void;
}

/** A connection to the program (HTTP/1.1, RFC 9112), with one request at a time. */
export class ProgramConnection {
  readonly #socket: Socket;
  readonly #onClosed: (connection: ProgramConnection) => void;
  #reader: ResponseReader | undefined;
  #listener: ExchangeListener | undefined;
  #reason = "the program closed the connection";
  /** Requests before the current one. */
  requestsBefore = -1;
  /** When its last answer was complete. */
  idleSince = 0;

  constructor(address: ProgramAddress, onClosed: (connection: ProgramConnection) => void) {
    this.#onClosed = onClosed;
    const socket = connect({
      ...address,
      noDelay: true,
      // After the end of one direction, the other one of a WebSocket may go on.
      allowHalfOpen: true,
      onread: {
        buffer: READ_MEMORY,
        callback: (bytes) => {
          this.#onBytes(READ_MEMORY.subarray(0, bytes));
          return true;
        },
      },
    });
    this.#socket = socket;
    readAfterFailedWrites(socket);
    socket.on("error", (error) => {
      this.#reason = `the connection to the program failed: ${error.message}`;
    });
    socket.on("drain", () => this.#listener?.onWritable());
    socket.on("end", () => this.#onEnd());
    socket.on("close", () => {
      this.#break(this.#reason);
      this.#onClosed(this);
    });
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed && !this.#socket.readableEnded;
  }

  /** Sends the head of a request. False = wait for `onWritable`. */
  begin(head: string, asked: AskedRequest, listener: ExchangeListener): boolean {
    this.requestsBefore++;
    this.#listener = listener;
    this.#reader = new ResponseReader(asked, listener);
    return this.#socket.write(head, "latin1");
  }

  /** The bytes are not changed afterwards. False = wait for `onWritable`. */
  write(bytes: Uint8Array): boolean {
    countPassed(bytes.length);
    return this.#socket.write(bytes);
  }

  /** No more is written. */
  end(): void {
    this.#socket.end();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** The exchange is over: request and answer are complete. */
  release(): void {
    this.#listener = undefined;
    this.#reader = undefined;
    this.#socket.resume();
  }

  /** Ends it, without a word to its listener. */
  destroy(): void {
    this.#listener = undefined;
    this.#reader = undefined;
    this.#socket.destroy();
  }

  #onBytes(bytes: Buffer): void {
    const reader = this.#reader;
    if (reader === undefined) {
      // Bytes without a request: the next one would take them for its answer.
      this.destroy();
      return;
    }
    try {
      const read = reader.push(bytes);
      // Bytes after the answer: the connection is of no use for another request.
      if (read < bytes.length) this.destroy();
    } catch (error) {
      this.#fail(error);
    }
  }

  #onEnd(): void {
    const reader = this.#reader;
    if (reader === undefined) {
      this.#socket.destroy();
      return;
    }
    try {
      if (reader.isUntouched) this.#break(this.#reason);
      else reader.finish();
    } catch (error) {
      this.#fail(error);
    }
    // Bytes that cannot be written would never be flushed.
    if (this.#socket.errored) this.#socket.destroy();
    else this.#socket.destroySoon();
  }

  #fail(error: unknown): void {
    if (!(error instanceof MalformedAnswer)) throw error;
    this.#break(`the program's answer cannot be read: ${error.message}`);
    this.#socket.destroy();
  }

  #break(reason: string): void {
    const listener = this.#listener;
    const isUntouched = this.#reader?.isUntouched === true;
    this.#listener = undefined;
    this.#reader = undefined;
    listener?.onBroken(reason, isUntouched);
  }
}

/**
 * A program may answer early, and close the connection within an upload. Then the system refuses to write, but still has the answer.
 * Streams of Node would destroy a socket that cannot be written, with all that it has not read.
 */
function readAfterFailedWrites(socket: Socket): void {
  socket.destroy = (error?: NodeJS.ErrnoException) => {
    const isRefusedWrite = error?.syscall === "write" && socket.readable;
    // Its end, or an error while it is read, follows.
    return isRefusedWrite ? socket.resume() : Socket.prototype.destroy.call(socket, error);
  };
}
