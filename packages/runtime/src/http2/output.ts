import type { Socket } from "node:net";
import {
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  FRAME_BYTES_MAX,
  FRAME_HEADER_BYTES,
  HEADERS,
  writeFrameHeader,
} from "./frame.ts";

const BUFFER_BYTES = 16 * 1024;
/** Longer payloads are sent without a copy. */
const COPY_BYTES_MAX = 4 * 1024;
/** With more bytes in the socket, senders of content wait. */
const SATURATED_BYTES = 64 * 1024;
/** Unused buffers that are kept. Connections share them: an idle one has none. */
const FREE_BUFFERS_MAX = 16;

const freeBuffers: Buffer[] = [];

/** Outputs with frames that are written at the end of this turn of the event loop. */
let waiting: FrameOutput[] = [];

function flushWaiting(): void {
  const outputs = waiting;
  waiting = [];
  for (const output of outputs) output.flush();
}

/** Collects the frames of one iteration of the event loop, so that one write sends them all. */
export class FrameOutput {
  readonly #socket: Socket;
  /** Called after a write when more content may be added. */
  readonly #onWritable: () => void;
  #buffer: Buffer | undefined;
  #start = 0;
  #end = 0;
  #parts: Uint8Array[] = [];
  #partBytes = 0;
  #isScheduled = false;
  readonly #isEncrypted: boolean;

  constructor(socket: Socket, onWritable: () => void) {
    this.#socket = socket;
    this.#isEncrypted = "encrypted" in socket;
    this.#onWritable = onWritable;
    socket.on("drain", onWritable);
  }

  /** Bytes that wait for the other side to read. */
  get waitingBytes(): number {
    return this.#socket.writableLength + this.#partBytes;
  }

  get isSaturated(): boolean {
    return this.waitingBytes >= SATURATED_BYTES;
  }

  /** Adds bytes without a frame. */
  raw(bytes: Uint8Array): void {
    this.#add(bytes);
    this.#schedule();
  }

  /** Adds a frame. A long payload must not change afterwards. */
  frame(type: number, flags: number, id: number, payload: Uint8Array): void {
    this.#header(type, flags, id, payload.length);
    this.#add(payload);
    this.#schedule();
  }

  /** Adds a DATA frame whose payload consists of two parts. */
  content(id: number, isEnd: boolean, prefix: Uint8Array, payload: Uint8Array): void {
    this.#header(DATA, isEnd ? END_STREAM : 0, id, prefix.length + payload.length);
    this.#add(prefix);
    this.#add(payload);
    this.#schedule();
  }

  /** Adds a header block in two parts, in as many frames as it takes. */
  headers(id: number, isEnd: boolean, block: Uint8Array, more: Uint8Array): void {
    const flags = isEnd ? END_STREAM : 0;
    const length = block.length + more.length;
    if (length <= FRAME_BYTES_MAX) {
      this.#header(HEADERS, flags | END_HEADERS, id, length);
      this.#add(block);
      this.#add(more);
      this.#schedule();
      return;
    }
    const whole = Buffer.concat([block, more]);
    for (let at = 0; at < length; at += FRAME_BYTES_MAX) {
      const isLast = at + FRAME_BYTES_MAX >= length;
      const type = at === 0 ? HEADERS : CONTINUATION;
      const last = isLast ? END_HEADERS : 0;
      this.frame(
        type,
        at === 0 ? flags | last : last,
        id,
        whole.subarray(at, at + FRAME_BYTES_MAX),
      );
    }
  }

  flush(): void {
    this.#isScheduled = false;
    this.#cut();
    const parts = this.#parts;
    if (parts.length === 0) return;
    this.#parts = [];
    this.#partBytes = 0;
    const socket = this.#socket;
    if (!socket.writable) {
      this.#buffer = undefined;
      return;
    }
    if (parts.length > 1) socket.cork();
    for (const [at, part] of parts.entries()) {
      // TLS completes no write at once.
      if (this.#isEncrypted && at === parts.length - 1) socket.write(part, this.#onWritten);
      else socket.write(part);
    }
    if (parts.length > 1) socket.uncork();
    this.#onWritten();
    if (!this.isSaturated) this.#onWritable();
  }

  /** Once the system has everything, the memory is free. */
  readonly #onWritten = (): void => {
    const buffer = this.#buffer;
    if (buffer === undefined || this.#end > this.#start || this.#socket.writableLength > 0) return;
    this.#buffer = undefined;
    if (freeBuffers.length < FREE_BUFFERS_MAX) freeBuffers.push(buffer);
  };

  #header(type: number, flags: number, id: number, length: number): void {
    const buffer = this.#withSpace(FRAME_HEADER_BYTES);
    writeFrameHeader(buffer, this.#end, { length, type, flags, id });
    this.#end += FRAME_HEADER_BYTES;
  }

  #add(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (bytes.length > COPY_BYTES_MAX) {
      this.#cut();
      this.#push(bytes);
      return;
    }
    this.#withSpace(bytes.length).set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /** A buffer with space for so many bytes after `#end`. */
  #withSpace(bytes: number): Buffer {
    const buffer = this.#buffer;
    if (buffer !== undefined && this.#end + bytes <= buffer.length) return buffer;
    this.#cut();
    this.#start = 0;
    this.#end = 0;
    this.#buffer = freeBuffers.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES);
    return this.#buffer;
  }

  #cut(): void {
    if (this.#buffer === undefined || this.#end === this.#start) return;
    this.#push(this.#buffer.subarray(this.#start, this.#end));
    this.#start = this.#end;
  }

  #push(part: Uint8Array): void {
    this.#parts.push(part);
    this.#partBytes += part.length;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    if (waiting.length === 0) setImmediate(flushWaiting);
    waiting.push(this);
  }
}
