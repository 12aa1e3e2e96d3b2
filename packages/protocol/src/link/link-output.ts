import type { WaitTimes } from "../call.ts";
import type { LeverError } from "../errors.ts";
import { controlFrames } from "./control-chunks.ts";
import {
  ABORT,
  ASSIGNED,
  CALL_ID,
  CONTROL,
  CREDIT,
  encodeCredit,
  HEADER_BYTES,
  MESSAGE,
  OPEN,
} from "./frame.ts";
import { FrameWriter } from "./frame-writer.ts";
import { encodeAbort, encodeCallId, encodeJson } from "./json-payload.ts";
import type { LinkOptions } from "./link-options.ts";
import { OutgoingSlots } from "./shared-memory.ts";

/** Most bytes of frames that wait for a peer that sends without reading (L4). */
const UNREAD_BYTES_MAX = 4 * 1024 * 1024;
/** A last message up to this size passes the calls that wait for the transport: nearly all replies of regular calls. */
const EXPRESS_MESSAGE_BYTES = 4 * 1024;
/** Bytes of such messages between two drains of the transport. Further ones wait: a peer that does not read gets no more. */
const EXPRESS_BYTES_MAX = 256 * 1024;
/**
 * With so many bytes of payloads and credit, frames are written before the end of the turn, so that the other side works at the
 * same time.
 */
const EARLY_FLUSH_BYTES = 256 * 1024;
/** Chunks between two checks whether the transport is saturated. */
const CHUNKS_PER_FLUSH = 4;

/** A call with chunks to send. */
interface QueuedCall {
  /** Sends one chunk. False = it has none to send for now. */
  pump(): boolean;
  /** Its chunks are sent, or wait for credit. */
  drained(): void;
}

/**
 * The sending half of a link. It collects the frames of one event loop iteration, lets queued calls send their chunks in
 * turn, and stops them while the transport is saturated.
 */
export class LinkOutput {
  isSaturated = false;
  /** This frame and later ones were not read by a peer that is gone. Infinity = that is not certain of any. */
  unreadFrom: number = Number.POSITIVE_INFINITY;
  #writtenFrames = 0;
  /** The first frame of the last write that was not read if the peer has not read that whole write. */
  #lastWriteFrom = 0;
  readonly #options: Pick<LinkOptions, "write" | "schedule">;
  readonly #slots: OutgoingSlots | undefined;
  readonly #writer: FrameWriter;
  /** Calls with chunks to send, in the order in which they send. */
  readonly #queued = new Set<QueuedCall>();
  #unreadBytes = 0;
  #expressBytes = 0;
  /** Bytes of payloads and credit since the last write. */
  #unflushedBytes = 0;
  #isFlushScheduled = false;
  #isClosed = false;
  readonly #onScheduled = (): void => {
    this.#pump();
    this.flush();
  };

  constructor(options: Pick<LinkOptions, "write" | "schedule" | "shared" | "side">) {
    this.#options = options;
    const { shared, side } = options;
    this.#slots = shared && new OutgoingSlots(shared.outgoing, side);
    this.#writer = new FrameWriter(this.#slots);
  }

  /** Sends a frame. Returns whether the payload was copied. */
  push(type: number, flags: number, id: number, payload: Uint8Array, chunks = 0): boolean {
    if (this.#isClosed) return false;
    // Messages wait for credit; other frames are sent at once and must be counted (L4).
    if (this.isSaturated && type !== MESSAGE) this.#unreadBytes += HEADER_BYTES + payload.length;
    const isCopied = this.#writer.push(type, flags, id, payload, { chunks });
    this.#schedule();
    this.#flushEarly(payload.length);
    return isCopied;
  }

  #flushEarly(bytes: number): void {
    // A transport that carries the payloads itself is filled by fewer writes as well.
    if (this.#slots === undefined) return;
    this.#unflushedBytes += bytes;
    if (this.#unflushedBytes >= EARLY_FLUSH_BYTES) this.flush();
  }

  /** Sends the head of a call and the first chunk of its arguments. Returns whether the chunk was copied. */
  opening(id: number, flags: number, head: Uint8Array, chunk: Uint8Array, chunks: number): boolean {
    const isCopied = this.#writer.push(OPEN, flags, id, chunk, { head, chunks });
    this.#schedule();
    return isCopied;
  }

  /** Sends a message or a chunk of one. Returns whether it was copied, so that its memory may be reused. */
  message(id: number, flags: number, payload: Uint8Array, chunks: number): boolean {
    if (this.#writer.share(flags, id, payload)) return true;
    return this.push(MESSAGE, flags, id, payload, chunks);
  }

  control(message: unknown): void {
    for (const [flags, payload] of controlFrames(encodeJson(message))) {
      this.push(CONTROL, flags, 0, payload);
    }
  }

  credit(id: number, bytes: number): void {
    this.push(CREDIT, 0, id, encodeCredit(bytes));
    this.#flushEarly(bytes);
  }

  assigned(id: number, waitTimes: WaitTimes): void {
    this.push(ASSIGNED, 0, id, encodeJson(waitTimes));
  }

  callId(id: number, text: string): void {
    this.push(CALL_ID, 0, id, encodeCallId(text));
  }

  abort(id: number, error: LeverError): void {
    this.push(ABORT, 0, id, encodeAbort(error));
  }

  /** True = a last message of this size need not wait for the chunks of other calls. */
  takeExpress(bytes: number): boolean {
    if (bytes > EXPRESS_MESSAGE_BYTES || this.#expressBytes >= EXPRESS_BYTES_MAX) return false;
    this.#expressBytes += HEADER_BYTES + bytes;
    return true;
  }

  /** The call has chunks to send. */
  queue(call: QueuedCall): void {
    if (this.#queued.has(call)) return;
    this.#queued.add(call);
    this.#schedule();
  }

  /** Writes the collected frames. */
  flush(): void {
    this.#isFlushScheduled = false;
    this.#unflushedBytes = 0;
    const parts = this.#writer.take();
    if (parts.length === 0 || this.#isClosed) return;
    const { frames } = this.#writer;
    // A single part is read at once. Of several, only the last frame is certain to be incomplete.
    this.#lastWriteFrom = parts.length === 1 ? this.#writtenFrames : frames - 1;
    this.#writtenFrames = frames;
    const sharedBytes = (this.#slots?.takePutBytes() ?? 0) + this.#writer.takeUnwrittenBytes();
    if (!this.#options.write(parts, sharedBytes)) this.isSaturated = true;
    else this.#expressBytes = 0;
  }

  /** Nothing that was written is in use any more. Call it before anything else is sent. */
  reuseMemory(): void {
    this.#writer.reuse();
  }

  /** The transport accepts bytes again. */
  drained(): void {
    this.isSaturated = false;
    this.#expressBytes = 0;
    this.#unreadBytes = 0;
    this.#pump();
  }

  /** The peer has read this many slots of shared memory. @throws Error when fewer are used. */
  slotsRead(count: number): void {
    this.#slots?.free(count);
    if (this.#queued.size > 0) this.#schedule();
  }

  /** L4. @throws Error when too many frames wait for the peer to read. */
  checkUnread(): void {
    if (this.#unreadBytes > UNREAD_BYTES_MAX) {
      throw new Error("Cannot answer: the peer writes, and does not read.");
    }
  }

  /** Releases shared memory that was not used since the last call. True = none is left to release. */
  clearUnused(): boolean {
    return this.#slots?.clearUnused() ?? true;
  }

  /** Frames so far. */
  get frames(): number {
    return this.#writer.frames;
  }

  /** See `Link.disconnected`. */
  disconnected(wasReset: boolean): void {
    if (this.unreadFrom !== Number.POSITIVE_INFINITY) return;
    this.unreadFrom = wasReset ? this.#lastWriteFrom : this.#writtenFrames;
  }

  /** Drops everything that is not written, and all that follows. */
  close(): void {
    this.#isClosed = true;
    this.#queued.clear();
  }

  #schedule(): void {
    if (this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    this.#options.schedule(this.#onScheduled);
  }

  /** Queued calls send one chunk each in turn, so that none blocks the others (L1). */
  #pump(): void {
    let flushAt = this.#writer.frames + CHUNKS_PER_FLUSH;
    while (!this.isSaturated && this.#slots?.hasFreeSlots !== false) {
      const [call] = this.#queued;
      if (call === undefined) break;
      this.#queued.delete(call);
      if (call.pump()) this.#queued.add(call);
      else call.drained();
      if (this.#writer.frames < flushAt) continue;
      this.flush();
      flushAt = this.#writer.frames + CHUNKS_PER_FLUSH;
    }
    this.flush();
  }
}
