import {
  CALL_BYTES,
  CALLS,
  FLAG_BYTES,
  FLAG_SHARED,
  HEADER_BYTES,
  MESSAGE,
  SHARING_CALLS_MAX,
  writeHeader,
} from "./frame.ts";
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
  /** How many frames it has written, except CALLS. */
  frames = 0;
  /** The message in the last frame, if further calls may share it. */
  #message: Uint8Array | undefined;
  #messageFlags = 0;
  #messageAt = 0;
  /** The CALLS frame behind it; 0 = there is none. */
  #callsAt = 0;
  #unwrittenBytes = 0;
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
    this.frames++;
    this.#message = undefined;
    if (slot > 0) {
      if (this.#end + HEADER_BYTES > this.#buffer.length) this.#renew(HEADER_BYTES);
      // Bytes in a slot may differ from those that their owner has now.
      if (type === MESSAGE && flags === 0) this.#mayShare(flags, body);
      writeHeader(this.#view, this.#end, length, type, flags, chunks, id, slot);
      this.#end += HEADER_BYTES;
      return true;
    }
    const copied = HEADER_BYTES + headBytes + (body.length > COPY_BYTES_MAX ? 0 : body.length);
    if (this.#end + copied > this.#buffer.length) this.#renew(copied);
    if (type === MESSAGE && (flags === 0 || flags === FLAG_BYTES)) this.#mayShare(flags, body);
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

  /**
   * Adds a call to the message in the last frame, so that what is written to many streams in turn is sent once. False = the
   * last frame has another message, or no place for the call.
   */
  share(flags: number, id: number, body: Uint8Array): boolean {
    if (body !== this.#message || flags !== this.#messageFlags) return false;
    const needed = this.#callsAt === 0 ? HEADER_BYTES + CALL_BYTES : CALL_BYTES;
    if (this.#end + needed > this.#buffer.length || !this.#isUnchanged(body)) return false;
    if (this.#callsAt === 0) {
      this.#view.setUint8(this.#messageAt + 5, flags | FLAG_SHARED);
      this.#callsAt = this.#end;
      this.#end += HEADER_BYTES;
    }
    this.#view.setUint32(this.#end, id, true);
    this.#end += CALL_BYTES;
    const length = this.#end - this.#callsAt - HEADER_BYTES;
    writeHeader(this.#view, this.#callsAt, length, CALLS, 0, 0, 0);
    if (length === SHARING_CALLS_MAX * CALL_BYTES) this.#message = undefined;
    this.#unwrittenBytes += body.length;
    return true;
  }

  /** Bytes of shared messages since the last call, without the ones that were written. */
  takeUnwrittenBytes(): number {
    const bytes = this.#unwrittenBytes;
    this.#unwrittenBytes = 0;
    return bytes;
  }

  #mayShare(flags: number, body: Uint8Array): void {
    this.#message = body;
    this.#messageFlags = flags;
    this.#messageAt = this.#end;
    this.#callsAt = 0;
  }

  /** JSON is never changed. The owner of bytes may have changed them since they were copied. */
  #isUnchanged(body: Uint8Array): boolean {
    if (this.#messageFlags === 0 || body.length > COPY_BYTES_MAX) return true;
    const start = this.#messageAt + HEADER_BYTES;
    for (let i = 0; i < body.length; i++) {
      if (this.#buffer[start + i] !== body[i]) return false;
    }
    return true;
  }

  /** Returns and forgets the bytes appended since the last call, in order. */
  take(): readonly Uint8Array[] {
    this.#message = undefined;
    this.#cut();
    const parts = this.#parts;
    if (parts.length > 0) this.#parts = [];
    return parts;
  }

  /** The memory of everything that was taken is free. */
  reuse(): void {
    if (this.#end > this.#start) return;
    this.#start = 0;
    this.#end = 0;
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
