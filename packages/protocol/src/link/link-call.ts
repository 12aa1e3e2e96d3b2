import {
  type CallEvents,
  type CallSide,
  PAYLOAD_BYTES,
  PAYLOAD_JSON,
  type PayloadKind,
} from "../call.ts";
import { LeverError } from "../errors.ts";
import {
  CHUNK_BYTES,
  concat,
  FLAG_BYTES,
  FLAG_EMPTY,
  FLAG_ERROR,
  FLAG_LAST,
  FLAG_MORE,
  HEADER_BYTES,
} from "./frame.ts";

/**
 * Credit that each direction of a call starts with, in bytes of payload and header. A sender stops at zero, a
 * receiver gives back what its consumer has taken. 256 KiB keeps a local socket busy and bounds what one call can
 * pile up on the other side.
 */
const WINDOW_BYTES: number = 256 * 1024;
/** Credit is given back in steps, so that small messages do not each cost a frame. */
const CREDIT_STEP_BYTES = WINDOW_BYTES / 4;

const NOTHING = new Uint8Array(0);

/** What a call needs of its link. */
export interface CallLink {
  readonly isSaturated: boolean;
  readonly messageBytesMax: number;
  writeMessage(id: number, flags: number, payload: Uint8Array): void;
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
  offset: number;
}

/** One call on a link, seen from either side. */
export class LinkCall implements CallSide {
  readonly id: number;
  events: CallEvents | undefined;
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
  #parts: Uint8Array[] = [];
  #partsBytes = 0;
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
    this.#put((kind === PAYLOAD_BYTES ? FLAG_BYTES : 0) | (isLast ? FLAG_LAST : 0), bytes);
    if (isLast) this.#settle();
    const hasRoom = this.hasRoom;
    if (!hasRoom) this.#wantsDrain = true;
    return hasRoom;
  }

  end(): void {
    if (this.#isOver || this.#hasSentLast) return;
    this.#hasSentLast = true;
    this.#put(FLAG_LAST | FLAG_EMPTY, NOTHING);
    this.#settle();
  }

  fail(kind: PayloadKind, bytes: Uint8Array): void {
    if (this.#isOver || this.#hasSentLast) return;
    this.#hasSentLast = true;
    this.#hasReceivedLast = true;
    this.#put(FLAG_ERROR | FLAG_LAST | (kind === PAYLOAD_BYTES ? FLAG_BYTES : 0), bytes);
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

  /** Counts the body that went with the opening; what did not fit follows in MESSAGE frames. */
  opened(firstBytes: number, rest: Outgoing | undefined, hasMore: boolean): void {
    this.#sendCredit -= firstBytes + HEADER_BYTES;
    if (!hasMore) this.#hasSentLast = true;
    if (rest === undefined) return;
    this.#outgoing.push(rest);
    this.#link.queue(this);
  }

  /** Sends one chunk of what is queued. False = nothing more to send for now. */
  pump(): boolean {
    const next = this.#outgoing[0];
    if (this.#isOver || next === undefined || this.#sendCredit <= 0) return false;
    const end = Math.min(next.offset + CHUNK_BYTES, next.bytes.length);
    const isWhole = end === next.bytes.length;
    const payload = next.bytes.subarray(next.offset, end);
    next.offset = end;
    this.#write(isWhole ? next.flags : (next.flags & FLAG_BYTES) | FLAG_MORE, payload);
    if (isWhole) {
      this.#outgoing.shift();
      this.#settle();
    }
    return this.#outgoing.length > 0 && this.#sendCredit > 0;
  }

  /** Tells the sender that there is room again, when it waits for that. */
  drained(): void {
    if (!this.#wantsDrain || this.#isOver || !this.hasRoom) return;
    this.#wantsDrain = false;
    this.events?.onDrain();
  }

  // What the other side sends.

  /** @throws Error when the peer sends without credit, or in chunks that are not full. */
  receiveMessage(flags: number, payload: Uint8Array): void {
    if (this.#isOver || this.#hasReceivedLast) return;
    const cost = payload.length + HEADER_BYTES;
    this.#receiveWindow -= cost;
    if (this.#receiveWindow < -(CHUNK_BYTES + HEADER_BYTES)) {
      throw new Error("Cannot read a message: the peer sends without credit.");
    }
    if (flags & FLAG_MORE) {
      expectFullChunk(payload);
      this.#keepPart(payload);
      if (this.#isPaused) this.#heldBytes += cost;
      else this.#give(cost);
      return;
    }
    if (this.#isPaused) this.#heldBytes += cost;
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

  /** The opening's own body: complete, or the first of several chunks. */
  receiveOpening(payload: Uint8Array, flags: number): Uint8Array | undefined {
    this.#receiveWindow -= payload.length + HEADER_BYTES;
    if (flags & FLAG_LAST) this.#hasReceivedLast = true;
    if (flags & FLAG_MORE) {
      expectFullChunk(payload);
      this.#keepPart(payload);
      this.#give(payload.length + HEADER_BYTES);
      return undefined;
    }
    if (!this.#hasReceivedLast) this.#give(payload.length + HEADER_BYTES);
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

  #keepPart(payload: Uint8Array): void {
    this.#parts.push(payload);
    this.#partsBytes += payload.length;
    const isHeld = this.#link.hold(payload.length);
    if (this.#partsBytes > this.#link.messageBytesMax) this.#refuseTooLarge();
    else if (!isHeld) this.#refuseTooMany();
  }

  #dropParts(): void {
    this.#link.hold(-this.#partsBytes);
    this.#parts = [];
    this.#partsBytes = 0;
  }

  #takeWhole(payload: Uint8Array): Uint8Array | undefined {
    if (this.#partsBytes + payload.length > this.#link.messageBytesMax) {
      this.#refuseTooLarge();
      return undefined;
    }
    if (this.#parts.length === 0) return payload;
    const bytes = concat([...this.#parts, payload], this.#partsBytes + payload.length);
    this.#dropParts();
    return bytes;
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

  #put(flags: number, bytes: Uint8Array): void {
    if (this.hasRoom && bytes.length <= CHUNK_BYTES) {
      this.#write(flags, bytes);
      return;
    }
    this.#outgoing.push({ flags, bytes, offset: 0 });
    this.#link.queue(this);
  }

  #write(flags: number, payload: Uint8Array): void {
    this.#sendCredit -= payload.length + HEADER_BYTES;
    this.#link.writeMessage(this.id, flags, payload);
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
    this.#dropParts();
    this.#link.hold(-this.#argumentsBytes);
    this.#argumentsBytes = 0;
    this.#link.forget(this.id);
  }
}

/**
 * L2: a message in many small chunks, or empty ones, would cost far more memory than it has bytes.
 * @throws Error
 */
function expectFullChunk(payload: Uint8Array): void {
  if (payload.length === CHUNK_BYTES) return;
  throw new Error(`Cannot read a message: a chunk before its last has ${payload.length} bytes.`);
}
