import type { Socket } from "node:net";
import { FRAME_HEADER_BYTES, writeFrameHeader } from "./frame.ts";

const BUFFER_BYTES = 16 * 1024;
/** Longer payloads are sent without a copy. */
const COPY_BYTES_MAX = 4 * 1024;
/** With more bytes in the socket, senders of content wait. */
const SATURATED_BYTES = 64 * 1024;

/** Collects the frames of one iteration of the event loop, so that one write sends them all. */
export class FrameOutput {
  readonly #socket: Socket;
  #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #start = 0;
  #end = 0;
  #parts: Uint8Array[] = [];
  #partBytes = 0;
  #isScheduled = false;
  readonly #onScheduled = (): void => {
    this.#isScheduled = false;
    this.flush();
  };

  constructor(socket: Socket) {
    this.#socket = socket;
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
    const { length } = payload;
    if (this.#end + FRAME_HEADER_BYTES > this.#buffer.length) this.#renew();
    writeFrameHeader(this.#buffer, this.#end, { length, type, flags, id });
    this.#end += FRAME_HEADER_BYTES;
    this.#add(payload);
    this.#schedule();
  }

  flush(): void {
    this.#cut();
    const parts = this.#parts;
    if (parts.length === 0) return;
    this.#parts = [];
    this.#partBytes = 0;
    const socket = this.#socket;
    if (socket.destroyed) return;
    if (parts.length > 1) socket.cork();
    for (const part of parts) socket.write(part);
    if (parts.length > 1) socket.uncork();
    // The system has all of it, so the memory is free.
    if (socket.writableLength === 0) {
      this.#start = 0;
      this.#end = 0;
    }
  }

  #add(bytes: Uint8Array): void {
    if (bytes.length > COPY_BYTES_MAX) {
      this.#cut();
      this.#push(bytes);
      return;
    }
    if (this.#end + bytes.length > this.#buffer.length) this.#renew();
    this.#buffer.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  #cut(): void {
    if (this.#end === this.#start) return;
    this.#push(this.#buffer.subarray(this.#start, this.#end));
    this.#start = this.#end;
  }

  #push(part: Uint8Array): void {
    this.#parts.push(part);
    this.#partBytes += part.length;
  }

  #renew(): void {
    this.#cut();
    this.#buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
    this.#start = 0;
    this.#end = 0;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#onScheduled);
  }
}
