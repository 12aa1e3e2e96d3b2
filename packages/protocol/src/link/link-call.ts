import {
  type CallHandle,
  type CallListener,
  PAYLOAD_BYTES,
  PAYLOAD_JSON,
  type PayloadKind,
  type WaitTimes,
} from "../call.ts";
import { LeverError } from "../errors.ts";
import {
  CHUNK_BYTES,
  FLAG_BYTES,
  FLAG_EMPTY,
  FLAG_ERROR,
  FLAG_LAST,
  FLAG_MORE,
  type FrameHeader,
  HEADER_BYTES,
} from "./frame.ts";

/**
 * Initial credit of each direction of a call, in bytes of payload and header. A sender stops at zero. A receiver grants
 * credit for the bytes that its consumer has accepted. 256 KiB keeps a local socket busy and bounds what one call can
 * buffer on the other side. Arguments need no credit: they must be stored until they are complete, and L4 bounds them.
 */
const WINDOW_BYTES: number = 256 * 1024;
/** Credit is granted in steps, so that not every small message costs a frame. */
const CREDIT_STEP_BYTES = WINDOW_BYTES / 4;

const NOTHING = new Uint8Array(0);

/** The functions of a link that its calls use. */
export interface CallLink {
  readonly isSaturated: boolean;
  readonly messageBytesMax: number;
  /** Returns whether the payload was copied, so that its memory may be reused. */
  writeMessage(id: number, flags: number, payload: Uint8Array, chunks: number): boolean;
  writeCredit(id: number, bytes: number): void;
  writeAssigned(id: number, waitTimes: WaitTimes): void;
  writeAbort(id: number, error: LeverError): void;
  /** Counts bytes that a call stores; negative = released. False = all calls together store too many. */
  hold(bytes: number): boolean;
  /** Requests a `pump` when the transport is not saturated. */
  queue(call: LinkCall): void;
  forget(id: number): void;
}

interface Outgoing {
  readonly flags: number;
  readonly bytes: Uint8Array;
  readonly isArguments: boolean;
  /** Called when all bytes were copied; undefined once a chunk was not. */
  release?: (() => void) | undefined;
  offset: number;
}

/** One side of a call on a link, the caller's or the other. */
export class LinkCall implements CallHandle {
  readonly id: number;
  events: CallListener | undefined;
  readonly #link: CallLink;
  #isOver = false;
  #hasSentLast = false;
  #hasReceivedLast = false;

  #sendCredit = WINDOW_BYTES;
  #outgoing: Outgoing[] = [];
  #wantsDrain = false;

  #receiveWindow = WINDOW_BYTES;
  /** Accepted by the consumer, not yet granted as credit. */
  #owedBytes = 0;
  /** Delivered while paused; granted as credit by `resume`. */
  #heldBytes = 0;
  #isPaused = false;
  /** A message that arrives in chunks: its memory, and how many bytes have arrived. */
  #message: Uint8Array | undefined;
  #messageBytes = 0;
  #areArgumentsWhole = true;
  /** Bytes of the arguments, which are counted as long as the call is open (L4). */
  #argumentsBytes = 0;

  constructor(link: CallLink, id: number) {
    this.#link = link;
    this.id = id;
  }

  // Sending.

  send(kind: PayloadKind, bytes: Uint8Array, isLast = false): boolean {
    if (this.#isOver || this.#hasSentLast) return true;
    if (isLast) this.#hasSentLast = true;
    this.#sendMessage((kind === PAYLOAD_BYTES ? FLAG_BYTES : 0) | (isLast ? FLAG_LAST : 0), bytes);
    if (isLast) this.#settle();
    const hasRoom = this.hasRoom;
    if (!hasRoom) this.#wantsDrain = true;
    return hasRoom;
  }

  end(): void {
    if (this.#isOver || this.#hasSentLast) return;
    this.#hasSentLast = true;
    this.#sendMessage(FLAG_LAST | FLAG_EMPTY, NOTHING);
    this.#settle();
  }

  fail(kind: PayloadKind, bytes: Uint8Array): void {
    if (this.#isOver || this.#hasSentLast) return;
    this.#hasSentLast = true;
    this.#hasReceivedLast = true;
    this.#sendMessage(FLAG_ERROR | FLAG_LAST | (kind === PAYLOAD_BYTES ? FLAG_BYTES : 0), bytes);
    this.#settle();
  }

  sendAssigned(waitTimes: WaitTimes): void {
    if (!this.#isOver) this.#link.writeAssigned(this.id, waitTimes);
  }

  abort(error: LeverError): void {
    if (this.#isOver) return;
    this.#finish();
    this.#link.writeAbort(this.id, error);
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#give(this.#heldBytes);
    this.#heldBytes = 0;
  }

  get hasRoom(): boolean {
    return this.#sendCredit > 0 && this.#outgoing.length === 0 && !this.#link.isSaturated;
  }

  /** The OPEN frame with the first chunk of the arguments is written. The `rest` follows in MESSAGE frames. */
  opened(rest: Outgoing | undefined, hasMore: boolean): void {
    if (!hasMore) this.#hasSentLast = true;
    if (rest === undefined) return;
    this.#outgoing.push(rest);
    this.#link.queue(this);
  }

  /** Sends one queued chunk. False = nothing more can be sent now. */
  pump(): boolean {
    const next = this.#outgoing[0];
    if (next === undefined || !this.#maySend(next)) return false;
    const { bytes, offset, flags } = next;
    const end = Math.min(offset + CHUNK_BYTES, bytes.length);
    const isWhole = end === bytes.length;
    next.offset = end;
    if (!next.isArguments) this.#sendCredit -= end - offset + HEADER_BYTES;
    const isCopied = this.#link.writeMessage(
      this.id,
      isWhole ? flags : (flags & FLAG_BYTES) | FLAG_MORE,
      bytes.subarray(offset, end),
      offset === 0 ? chunksAfterFirst(bytes.length) : 0,
    );
    if (!isCopied) next.release = undefined;
    if (!isWhole) return this.#maySend(next);
    next.release?.();
    this.#outgoing.shift();
    this.#settle();
    const following = this.#outgoing[0];
    return following !== undefined && this.#maySend(following);
  }

  #maySend(next: Outgoing): boolean {
    return !this.#isOver && (next.isArguments || this.#sendCredit > 0);
  }

  /** Emits `onDrain` when the sender waits for it and may send again. */
  drained(): void {
    if (!this.#wantsDrain || this.#isOver || !this.hasRoom) return;
    this.#wantsDrain = false;
    this.events?.onDrain();
  }

  // Receiving.

  /**
   * Returns the memory for a chunk inside its message, so that it is copied only once. undefined = not part of a message.
   */
  place({ flags, chunks, payloadBytes }: FrameHeader): Uint8Array | undefined {
    if (this.#isOver || this.#hasReceivedLast) return undefined;
    if (flags & FLAG_MORE && this.#message === undefined) this.#beginMessage(chunks);
    const start = this.#messageBytes;
    if (this.#message === undefined || start + payloadBytes > this.#message.length) {
      return undefined;
    }
    return this.#message.subarray(start, start + payloadBytes);
  }

  /** @throws Error when the peer sends without credit, or in chunks that are not full. */
  receiveMessage(flags: number, payload: Uint8Array): void {
    if (this.#isOver || this.#hasReceivedLast) return;
    const cost = this.#areArgumentsWhole ? payload.length + HEADER_BYTES : 0;
    this.#receiveWindow -= cost;
    if (this.#receiveWindow < -(CHUNK_BYTES + HEADER_BYTES)) {
      throw new Error("Cannot read a message: the peer sends without credit.");
    }
    if (this.#isPaused) this.#heldBytes += cost;
    if (flags & FLAG_MORE) {
      this.#addChunk(payload);
      if (!this.#isPaused) this.#give(cost);
      return;
    }
    const kind = flags & FLAG_BYTES ? PAYLOAD_BYTES : PAYLOAD_JSON;
    const bytes = this.#takeWhole(payload);
    if (bytes === undefined) return;
    if (flags & FLAG_ERROR) {
      this.#finish();
      this.events?.onFail(kind, bytes);
      return;
    }
    const wasPaused = this.#isPaused;
    if (flags & FLAG_LAST) this.#hasReceivedLast = true;
    // A peer that sends no more needs no credit, so a regular call costs no CREDIT frame.
    if (!wasPaused && !this.#hasReceivedLast) this.#give(cost);
    if (!(flags & FLAG_EMPTY)) this.events?.onMessage(kind, bytes);
    if (flags & FLAG_LAST) {
      this.events?.onEnd();
      this.#settle();
    }
  }

  receiveCredit(bytes: number): void {
    this.#sendCredit += bytes;
    if (this.#outgoing.length > 0) this.#link.queue(this);
    else this.drained();
  }

  receiveAbort(error: LeverError): void {
    if (this.#isOver) return;
    this.#finish();
    this.events?.onAbort(error);
  }

  /**
   * Reads the body of the OPEN frame. Returns the arguments, or undefined when this is the first of several chunks.
   * @throws Error when the first of several chunks is not full.
   */
  receiveOpening(payload: Uint8Array, { flags, chunks }: FrameHeader): Uint8Array | undefined {
    if (flags & FLAG_MORE) {
      this.#areArgumentsWhole = false;
      this.#beginMessage(chunks);
      this.#addChunk(payload);
      return undefined;
    }
    if (flags & FLAG_LAST) this.#hasReceivedLast = true;
    return payload;
  }

  /** The link has closed (L3). */
  lost(error: LeverError): void {
    this.receiveAbort(error);
  }

  /** Counts the complete arguments (L4). False = the link stores too many bytes, and the call has been refused. */
  holdArguments(bytes: number): boolean {
    this.#argumentsBytes = bytes;
    if (this.#link.hold(bytes)) return true;
    this.#refuseTooMany();
    return false;
  }

  /** A message of this many more chunks has begun: allocates and counts its memory. */
  #beginMessage(chunks: number): void {
    const { messageBytesMax } = this.#link;
    const bytes = Math.min((chunks + 1) * CHUNK_BYTES, messageBytesMax);
    if (chunks * CHUNK_BYTES >= messageBytesMax) this.#refuseTooLarge();
    else if (!this.#link.hold(bytes)) {
      this.#link.hold(-bytes);
      this.#refuseTooMany();
    } else this.#message = new Uint8Array(bytes);
  }

  /** L2. Each chunk except the last must be full, so that a message has no more frames than its size allows. @throws Error */
  #addChunk(payload: Uint8Array): void {
    if (this.#isOver) return;
    const message = this.#message;
    const end = this.#messageBytes + payload.length;
    if (payload.length !== CHUNK_BYTES || message === undefined || end >= message.length) {
      throw new Error(
        `Cannot read a message: a chunk before the last has ${payload.length} bytes, or was not announced.`,
      );
    }
    this.#put(message, payload);
  }

  /** The reader may have written the payload there already (`place`). */
  #put(message: Uint8Array, payload: Uint8Array): void {
    if (payload.buffer !== message.buffer) message.set(payload, this.#messageBytes);
    this.#messageBytes += payload.length;
  }

  #dropMessage(): void {
    if (this.#message === undefined) return;
    this.#link.hold(-this.#message.length);
    this.#message = undefined;
    this.#messageBytes = 0;
  }

  #takeWhole(payload: Uint8Array): Uint8Array | undefined {
    const message = this.#message;
    const bytes = this.#messageBytes + payload.length;
    if (bytes > this.#link.messageBytesMax) {
      this.#refuseTooLarge();
      return undefined;
    }
    if (message === undefined) return payload;
    if (bytes > message.length) {
      throw new Error("Cannot read a message: it is longer than its first frame announced.");
    }
    this.#put(message, payload);
    this.#dropMessage();
    this.#areArgumentsWhole = true;
    return message.subarray(0, bytes);
  }

  #refuseTooLarge(): void {
    const message = `Cannot forward the message: it is larger than the limit of ${this.#link.messageBytesMax} bytes.`;
    this.#refuse(new LeverError("too_large", message));
  }

  #refuseTooMany(): void {
    const message = "Cannot forward the message: the calls of this link store too many bytes.";
    this.#refuse(new LeverError("overloaded", message, { retryAfterSeconds: 1 }));
  }

  #refuse(error: LeverError): void {
    this.#finish();
    this.#link.writeAbort(this.id, error);
    this.events?.onAbort(error);
  }

  #sendMessage(flags: number, bytes: Uint8Array): void {
    if (this.hasRoom && bytes.length <= CHUNK_BYTES) {
      this.#sendCredit -= bytes.length + HEADER_BYTES;
      this.#link.writeMessage(this.id, flags, bytes, 0);
      return;
    }
    this.#outgoing.push({ flags, bytes, isArguments: false, offset: 0 });
    this.#link.queue(this);
  }

  #give(bytes: number): void {
    this.#owedBytes += bytes;
    if (this.#owedBytes < CREDIT_STEP_BYTES || this.#isOver) return;
    this.#receiveWindow += this.#owedBytes;
    this.#link.writeCredit(this.id, this.#owedBytes);
    this.#owedBytes = 0;
  }

  /** Finishes the call when both directions have ended and nothing is queued. */
  #settle(): void {
    if (this.#hasSentLast && this.#hasReceivedLast && this.#outgoing.length === 0) this.#finish();
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#outgoing = [];
    this.#dropMessage();
    this.#link.hold(-this.#argumentsBytes);
    this.#argumentsBytes = 0;
    this.#link.forget(this.id);
  }
}

/** The number of frames after the first one of a message. */
export function chunksAfterFirst(bytes: number): number {
  return Math.ceil(bytes / CHUNK_BYTES) - 1;
}
