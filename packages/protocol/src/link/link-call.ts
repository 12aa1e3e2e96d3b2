import {
  type CallHandle,
  type CallListener,
  PAYLOAD_BYTES,
  PAYLOAD_JSON,
  type PayloadKind,
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
 * Credit that each direction of a call starts with, in bytes of payload and header. A sender stops at zero, a
 * receiver gives back what its consumer has taken. 256 KiB keeps a local socket busy and bounds what one call can
 * pile up on the other side. Arguments need none: they are to be held whole, and L4 bounds them.
 */
const WINDOW_BYTES: number = 256 * 1024;
/** Credit is given back in steps, so that small messages do not each cost a frame. */
const CREDIT_STEP_BYTES = WINDOW_BYTES / 4;

const NOTHING = new Uint8Array(0);

/** What a call needs of its link. */
export interface CallLink {
  readonly isSaturated: boolean;
  readonly messageBytesMax: number;
  /** Returns whether the payload is copied, so that its memory may be used again. */
  writeMessage(id: number, flags: number, payload: Uint8Array, chunks: number): boolean;
  writeCredit(id: number, bytes: number): void;
  writeAbort(id: number, error: LeverError): void;
  /** Counts bytes that a call holds; negative = held no more. False = all calls together hold too many. */
  hold(bytes: number): boolean;
  /** Asks to be pumped when the link has room. */
  queue(call: LinkCall): void;
  forget(id: number): void;
}

interface Outgoing {
  readonly flags: number;
  readonly bytes: Uint8Array;
  readonly isArguments: boolean;
  /** To be told when all of it is copied; undefined once a part is not. */
  release?: (() => void) | undefined;
  offset: number;
}

/** One call on a link, seen from either side. */
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
  /** Taken by the consumer and not yet given back. */
  #owedBytes = 0;
  /** Delivered while paused: given back at `resume`. */
  #heldBytes = 0;
  #isPaused = false;
  /** Of a message that comes in chunks: its place, and how much of it is filled. */
  #message: Uint8Array | undefined;
  #messageBytes = 0;
  #areArgumentsWhole = true;
  /** Arguments, which are held as long as the call. */
  #argumentsBytes = 0;

  constructor(link: CallLink, id: number) {
    this.#link = link;
    this.id = id;
  }

  // What this side sends.

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

  /** The opening went out with the first chunk of the arguments; what did not fit, `rest`, follows in MESSAGE frames. */
  opened(rest: Outgoing | undefined, hasMore: boolean): void {
    if (!hasMore) this.#hasSentLast = true;
    if (rest === undefined) return;
    this.#outgoing.push(rest);
    this.#link.queue(this);
  }

  /** Sends one chunk of what is queued. False = nothing more to send for now. */
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

  /** Tells the sender that there is room again, when it waits for that. */
  drained(): void {
    if (!this.#wantsDrain || this.#isOver || !this.hasRoom) return;
    this.#wantsDrain = false;
    this.events?.onDrain();
  }

  // What the other side sends.

  /**
   * Where the payload is to go: chunks come together without being copied again. undefined = anywhere.
   * @throws Error when it breaks the message that it is a part of.
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
    // Sides that are done need no credit, so a regular call costs no CREDIT frame.
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
   * The opening's own body: complete, or the first of several chunks.
   * @throws Error when it is not full.
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

  /** The link is gone. */
  lost(error: LeverError): void {
    this.receiveAbort(error);
  }

  /** The arguments are whole. False = the call is refused, since the link holds too many. */
  holdArguments(bytes: number): boolean {
    this.#argumentsBytes = bytes;
    if (this.#link.hold(bytes)) return true;
    this.#refuseTooMany();
    return false;
  }

  /** A message comes in so many chunks after its first: all of it gets its place now, and is counted now. */
  #beginMessage(chunks: number): void {
    const { messageBytesMax } = this.#link;
    const bytes = Math.min((chunks + 1) * CHUNK_BYTES, messageBytesMax);
    if (chunks * CHUNK_BYTES >= messageBytesMax) this.#refuseTooLarge();
    else if (!this.#link.hold(bytes)) {
      this.#link.hold(-bytes);
      this.#refuseTooMany();
    } else this.#message = new Uint8Array(bytes);
  }

  /** L2: a chunk before the last is full, so that a message has no more frames than its size allows. @throws Error */
  #addChunk(payload: Uint8Array): void {
    if (this.#isOver) return;
    const message = this.#message;
    const end = this.#messageBytes + payload.length;
    if (payload.length !== CHUNK_BYTES || message === undefined || end >= message.length) {
      throw new Error(
        `Cannot read a message: a chunk before its last has ${payload.length} bytes, or was not told of.`,
      );
    }
    this.#put(message, payload);
  }

  /** It may have been put there as it arrived. */
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
      throw new Error("Cannot read a message: it is longer than it was told to be.");
    }
    this.#put(message, payload);
    this.#dropMessage();
    this.#areArgumentsWhole = true;
    return message.subarray(0, bytes);
  }

  #refuseTooLarge(): void {
    const message = `Cannot pass the message on: it is larger than the limit of ${this.#link.messageBytesMax} bytes.`;
    this.#refuse(new LeverError("too_large", message));
  }

  #refuseTooMany(): void {
    const message = "Cannot pass the message on: the calls of this link hold too many bytes.";
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

  /** Both directions are done, and nothing is queued: the call is over. */
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

/** How many frames follow the first of a message. */
export function chunksAfterFirst(bytes: number): number {
  return Math.ceil(bytes / CHUNK_BYTES) - 1;
}
