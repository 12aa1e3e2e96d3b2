// One class, although long: both directions of a call share its state, and each call must cost only one object.

import {
  type CallHandle,
  type CallListener,
  type CallRequest,
  type MessageKind,
  PAYLOAD_BYTES,
  PAYLOAD_JSON,
  PAYLOAD_LINES,
  type PayloadKind,
  type WaitTimes,
} from "../call.ts";
import { LeverError } from "../errors.ts";
import { SMALL_BODY_BYTES } from "../small-body.ts";
import {
  CHUNK_BYTES,
  FLAG_BYTES,
  FLAG_EMPTY,
  FLAG_ERROR,
  FLAG_LAST,
  FLAG_LINES,
  FLAG_MORE,
  FLAG_STREAM,
  type FrameHeader,
  HEADER_BYTES,
} from "./frame.ts";
import type { LinkOutput } from "./link-output.ts";
import { chunksAfterFirst, PartialMessage, unexpectedChunk } from "./partial-message.ts";

/**
 * Initial credit of each direction of a call, in bytes of payload and header. A sender stops at zero. A receiver grants
 * credit for the bytes that its consumer has accepted. Arguments need no credit: they must be stored until they are complete,
 * and L4 bounds them.
 */
const WINDOW_BYTES: number = 256 * 1024;
/**
 * Further credit for a consumer that keeps up. With one window it and the sender would work in turns, and wake each other up
 * for each. It is taken back when the consumer pauses.
 */
const EXTRA_BYTES_MAX = 3 * WINDOW_BYTES;
/** Credit is granted in steps, so that not every small message costs a frame. */
const CREDIT_STEP_BYTES = WINDOW_BYTES / 4;

const NOTHING = new Uint8Array(0);

const KIND_FLAGS: Readonly<Record<MessageKind, number>> = {
  [PAYLOAD_JSON]: 0,
  [PAYLOAD_BYTES]: FLAG_BYTES,
  [PAYLOAD_LINES]: FLAG_LINES,
};

/** The functions of a link that its calls use. */
export interface CallLink {
  readonly output: LinkOutput;
  readonly messageBytesMax: number;
  /**
   * Counts memory that a call occupies (L4), and the bytes in it that have arrived; negative = released. False = the calls
   * of the link occupy too much, or this process holds too many bytes.
   */
  countStored(memoryBytes: number, arrivedBytes: number): boolean;
  /** Counts bytes of messages that wait to be sent; negative = sent or dropped. Returns why there may be no more. */
  countUnsent(bytes: number): LeverError | undefined;
  /** The call is over. */
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
  /** The frame of the link that its opening was in. */
  openedAt = 0;
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
  #pausedBytes = 0;
  #extraBytes = 0;
  #isPaused = false;
  #partialMessage: PartialMessage | undefined;
  #areArgumentsWhole = true;
  #callId: string | undefined;
  /** Bytes of the arguments, which are counted as long as the call is open (L4). */
  #argumentsBytes = 0;

  constructor(link: CallLink, id: number) {
    this.#link = link;
    this.id = id;
  }

  // Sending.

  send(kind: MessageKind, bytes: Uint8Array, isLast = false, release?: () => void): boolean {
    if (this.#isOver || this.#hasSentLast) return true;
    if (isLast) this.#hasSentLast = true;
    this.#sendMessage(KIND_FLAGS[kind] | (isLast ? FLAG_LAST : 0), bytes, release);
    if (isLast) this.#settle();
    const isWritable = this.isWritable;
    if (!isWritable) this.#wantsDrain = true;
    return isWritable;
  }

  end(): void {
    if (this.#isOver || this.#hasSentLast) return;
    this.#hasSentLast = true;
    this.#sendMessage(FLAG_LAST | FLAG_EMPTY, NOTHING);
    this.#settle();
  }

  fail(kind: PayloadKind, bytes: Uint8Array, call?: string): void {
    if (this.#isOver || this.#hasSentLast) return;
    if (call !== undefined) this.#link.output.callId(this.id, call);
    this.#hasSentLast = true;
    this.#hasReceivedLast = true;
    this.#sendMessage(FLAG_ERROR | FLAG_LAST | (kind === PAYLOAD_BYTES ? FLAG_BYTES : 0), bytes);
    this.#settle();
  }

  sendAssigned(waitTimes: WaitTimes): void {
    if (!this.#isOver) this.#link.output.assigned(this.id, waitTimes);
  }

  abort(error: LeverError): void {
    if (this.#isOver) return;
    this.#finish();
    this.#link.output.abort(this.id, error);
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    const takenBack = Math.min(this.#pausedBytes, this.#extraBytes);
    this.#extraBytes -= takenBack;
    this.#grantCredit(this.#pausedBytes - takenBack);
    this.#pausedBytes = 0;
  }

  get isWritable(): boolean {
    return this.#sendCredit > 0 && this.#outgoing.length === 0 && !this.#link.output.isSaturated;
  }

  /** Everything is queued that this side sends, and some of it waits for the peer to read. */
  get isEnding(): boolean {
    return this.#hasSentLast && this.#outgoing.length > 0;
  }

  /** Sends the OPEN frame with the first chunk of the arguments. The others follow in MESSAGE frames. */
  sendOpening(request: CallRequest, head: Uint8Array, hasMore: boolean): void {
    const { body } = request;
    const isWhole = body.length <= CHUNK_BYTES;
    const first = isWhole ? body : body.subarray(0, CHUNK_BYTES);
    const kindFlag = request.kind === PAYLOAD_BYTES ? FLAG_BYTES : 0;
    const lastFlag = hasMore ? 0 : FLAG_LAST;
    const flags =
      kindFlag | (request.isStream ? FLAG_STREAM : 0) | (isWhole ? lastFlag : FLAG_MORE);
    const chunks = isWhole ? 0 : chunksAfterFirst(body.length);
    this.openedAt = this.#link.output.frames;
    const isCopied = this.#link.output.opening(this.id, flags, head, first, chunks);
    const release = isCopied ? request.release : undefined;
    if (!hasMore) this.#hasSentLast = true;
    if (isWhole) {
      release?.();
      return;
    }
    const offset = first.length;
    const rest = { flags: kindFlag | lastFlag, bytes: body, isArguments: true, release, offset };
    this.#outgoing.push(rest);
    this.#link.output.queue(this);
  }

  /** Sends one queued chunk. False = nothing more can be sent now. */
  pump(): boolean {
    const next = this.#outgoing[0];
    if (next === undefined || !this.#maySend(next)) return false;
    const { bytes, offset, flags } = next;
    const end = Math.min(offset + CHUNK_BYTES, bytes.length);
    const isWhole = end === bytes.length;
    next.offset = end;
    if (!next.isArguments) {
      this.#sendCredit -= end - offset + HEADER_BYTES;
      this.#link.countUnsent(offset - end);
    }
    const isCopied = this.#link.output.message(
      this.id,
      isWhole ? flags : (flags & FLAG_BYTES) | FLAG_MORE,
      // The whole message, as it was passed, can be shared with other calls.
      offset === 0 && isWhole ? bytes : bytes.subarray(offset, end),
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
    if (!this.#wantsDrain || this.#isOver || !this.isWritable) return;
    this.#wantsDrain = false;
    this.events?.onDrain();
  }

  // Receiving.

  /**
   * Returns the memory for a chunk inside its message, so that it is copied only once. undefined = not part of a message.
   */
  place({ flags, chunks, payloadBytes }: FrameHeader): Uint8Array | undefined {
    if (this.#isOver || this.#hasReceivedLast) return undefined;
    if (flags & FLAG_MORE && this.#partialMessage === undefined) this.#beginMessage(chunks);
    return this.#partialMessage?.place(payloadBytes);
  }

  /** @throws Error when the peer sends without credit, or in chunks that are not full. */
  receiveMessage(flags: number, payload: Uint8Array): void {
    if (this.#isOver || this.#hasReceivedLast) return;
    const cost = this.#areArgumentsWhole ? payload.length + HEADER_BYTES : 0;
    this.#receiveWindow -= cost;
    if (this.#receiveWindow < -(CHUNK_BYTES + HEADER_BYTES)) {
      throw new Error("Cannot read a message: the peer sends without credit.");
    }
    if (this.#isPaused) this.#pausedBytes += cost;
    if (flags & FLAG_MORE) {
      this.#addChunk(payload);
      if (!this.#isPaused) this.#grantCredit(cost);
      return;
    }
    const kind = flags & FLAG_BYTES ? PAYLOAD_BYTES : PAYLOAD_JSON;
    const bytes = this.#takeWhole(payload);
    if (bytes === undefined) return;
    if (flags & FLAG_ERROR) {
      this.#finish();
      this.events?.onFail(kind, bytes, this.#callId);
      return;
    }
    const wasPaused = this.#isPaused;
    if (flags & FLAG_LAST) this.#hasReceivedLast = true;
    // A peer that sends no more needs no credit, so a regular call costs no CREDIT frame.
    if (!wasPaused && !this.#hasReceivedLast) this.#grantCredit(cost);
    if (flags & FLAG_LINES) this.events?.onLines?.(bytes);
    else if (!(flags & FLAG_EMPTY)) this.events?.onMessage(kind, bytes);
    if (flags & FLAG_LAST) {
      this.events?.onEnd();
      this.#settle();
    }
  }

  receiveCredit(bytes: number): void {
    this.#sendCredit += bytes;
    if (this.#outgoing.length > 0) this.#link.output.queue(this);
    else this.drained();
  }

  /** The id by which its receiver names the call. */
  receiveId(id: string): void {
    this.#callId = id;
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

  /** Reads the last chunk of the arguments. Returns all of them; undefined = the call is over. */
  receiveLastArguments(flags: number, payload: Uint8Array): Uint8Array | undefined {
    if (flags & FLAG_ERROR) this.#finish();
    return this.#isOver ? undefined : this.#takeWhole(payload);
  }

  /** The caller has sent its last message together with the arguments. */
  receiveLast(): void {
    this.#hasReceivedLast = true;
    this.#settle();
  }

  /** The link has closed (L3). */
  lost(error: LeverError, isUnread: boolean): void {
    const events = this.events;
    if (this.#isOver || !isUnread || events?.onUnread === undefined) {
      this.receiveAbort(error);
      return;
    }
    this.#finish();
    events.onUnread(error);
  }

  /** Counts the complete arguments (L4). False = the link stores too many bytes, and the call has been refused. */
  countArguments(bytes: number): boolean {
    this.#argumentsBytes = bytes;
    if (this.#link.countStored(bytes, largeBytes(bytes))) return true;
    this.#refuseTooMany();
    return false;
  }

  /** A message of this many more chunks has begun: allocates and counts its memory. */
  #beginMessage(chunks: number): void {
    const { messageBytesMax } = this.#link;
    const bytes = Math.min((chunks + 1) * CHUNK_BYTES, messageBytesMax);
    if (chunks * CHUNK_BYTES >= messageBytesMax) this.#refuseTooLarge();
    else if (!this.#link.countStored(bytes, 0)) {
      this.#link.countStored(-bytes, 0);
      this.#refuseTooMany();
    } else this.#partialMessage = new PartialMessage(bytes);
  }

  #addChunk(payload: Uint8Array): void {
    if (this.#isOver) return;
    if (this.#partialMessage === undefined) throw unexpectedChunk(payload.length);
    this.#partialMessage.add(payload);
    if (!this.#link.countStored(0, payload.length)) this.#refuseTooMany();
  }

  #dropMessage(): void {
    if (this.#partialMessage === undefined) return;
    const { memoryBytes, receivedBytes } = this.#partialMessage;
    this.#link.countStored(-memoryBytes, -receivedBytes);
    this.#partialMessage = undefined;
  }

  /** Completes the message with its last chunk, or its only one. undefined = the call has been refused. */
  #takeWhole(payload: Uint8Array): Uint8Array | undefined {
    const partial = this.#partialMessage;
    const receivedBytes = partial === undefined ? 0 : partial.receivedBytes;
    if (receivedBytes + payload.length > this.#link.messageBytesMax) {
      this.#refuseTooLarge();
      return undefined;
    }
    if (partial === undefined) return payload;
    this.#dropMessage();
    this.#areArgumentsWhole = true;
    return partial.complete(payload);
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
    this.#link.output.abort(this.id, error);
    this.events?.onAbort(error);
  }

  #sendMessage(flags: number, bytes: Uint8Array, release?: () => void): void {
    if (bytes.length <= CHUNK_BYTES && (this.isWritable || this.#isExpress(flags, bytes.length))) {
      this.#sendCredit -= bytes.length + HEADER_BYTES;
      if (this.#link.output.message(this.id, flags, bytes, 0)) release?.();
      return;
    }
    const refusal = this.#link.countUnsent(bytes.length);
    if (refusal !== undefined) {
      this.#refuse(refusal);
      return;
    }
    this.#outgoing.push({ flags, bytes, isArguments: false, release, offset: 0 });
    this.#link.output.queue(this);
  }

  /** Many streams that send at once must not delay the short replies of other calls. */
  #isExpress(flags: number, bytes: number): boolean {
    if (!(flags & FLAG_LAST) || this.#sendCredit <= 0 || this.#outgoing.length > 0) return false;
    return this.#link.output.takeExpress(bytes);
  }

  #grantCredit(bytes: number): void {
    this.#owedBytes += bytes;
    if (this.#owedBytes < CREDIT_STEP_BYTES || this.#isOver) return;
    const extraBytes = Math.min(CREDIT_STEP_BYTES, EXTRA_BYTES_MAX - this.#extraBytes);
    this.#extraBytes += extraBytes;
    const creditBytes = this.#owedBytes + extraBytes;
    this.#receiveWindow += creditBytes;
    this.#link.output.credit(this.id, creditBytes);
    this.#owedBytes = 0;
  }

  /** Finishes the call when both directions have ended and nothing is queued. */
  #settle(): void {
    if (this.#hasSentLast && this.#hasReceivedLast && this.#outgoing.length === 0) this.#finish();
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const { isArguments, offset, bytes } of this.#outgoing) {
      if (!isArguments) this.#link.countUnsent(offset - bytes.length);
    }
    this.#outgoing = [];
    this.#dropMessage();
    this.#link.countStored(-this.#argumentsBytes, -largeBytes(this.#argumentsBytes));
    this.#argumentsBytes = 0;
    this.#link.forget(this.id);
  }
}

/** Small bodies do not count. */
function largeBytes(bytes: number): number {
  return bytes > SMALL_BODY_BYTES ? bytes : 0;
}
