import { HEADER_BYTES, writeHeader } from "./frame.ts";
import type { OutgoingSlots } from "./shared-memory.ts";

/** Frames are collected in buffers of this size. Payloads over COPY_BYTES_MAX are written without a copy. */
const BUFFER_BYTES = 16 * 1024;
const COPY_BYTES_MAX = 4 * 1024;

/** Collects the frames of one event loop iteration, so that one write sends them all. */
export class FrameWriter {
  #parts: Uint8Array[] = [];
  #buffer = new Uint8Array(BUFFER_BYTES);
  #view = new DataView(this.#buffer.buffer);
  #start = 0;
  #end = 0;
  readonly #slots: OutgoingSlots | undefined;

  constructor(slots: OutgoingSlots | undefined) {
    this.#slots = slots;
  }

  /** Appends a frame whose payload is `head` followed by `body`. Copies `head`; returns whether it copied `body`. */
  push(
    type: number,
    flags: number,
    id: number,
    body: Uint8Array,
    { head, chunks = 0 }: { head?: Uint8Array; chunks?: number } = {},
  ): boolean {
    const headBytes = head === undefined ? 0 : head.length;
    const length = headBytes + body.length;
    const slot = this.#slots?.put(head, body) ?? 0;
    if (slot > 0) {
      if (this.#end + HEADER_BYTES > this.#buffer.length) this.#renew(HEADER_BYTES);
      writeHeader(this.#view, this.#end, length, type, flags, chunks, id, slot);
      this.#end += HEADER_BYTES;
      return true;
    }
    const copied = HEADER_BYTES + headBytes + (body.length > COPY_BYTES_MAX ? 0 : body.length);
    if (this.#end + copied > this.#buffer.length) this.#renew(copied);
    writeHeader(this.#view, this.#end, length, type, flags, chunks, id);
    this.#end += HEADER_BYTES;
    if (head !== undefined) {
      this.#buffer.set(head, this.#end);
      this.#end += headBytes;
    }
    if (body.length > COPY_BYTES_MAX) {
      this.#cut();
      this.#parts.push(body);
      return false;
    }
    this.#buffer.set(body, this.#end);
    this.#end += body.length;
    return true;
  }

  /** Returns and forgets the bytes appended since the last call, in order. */
  take(): readonly Uint8Array[] {
    this.#cut();
    const parts = this.#parts;
    if (parts.length > 0) this.#parts = [];
    return parts;
  }

  #cut(): void {
    if (this.#end > this.#start) {
      this.#parts.push(this.#buffer.subarray(this.#start, this.#end));
      this.#start = this.#end;
    }
  }

  #renew(neededBytes: number): void {
    this.#cut();
    this.#buffer = new Uint8Array(Math.max(BUFFER_BYTES, neededBytes));
    this.#view = new DataView(this.#buffer.buffer);
    this.#start = 0;
    this.#end = 0;
  }
}
