import {
  type CallListener,
  type CallRequest,
  type CallTarget,
  ignoredEvents,
  PAYLOAD_BYTES,
  PAYLOAD_JSON,
  type WaitTimes,
} from "../call.ts";
import { LeverError } from "../errors.ts";
import { CallTable } from "./call-table.ts";
import {
  ABORT,
  ASSIGNED,
  CHUNK_BYTES,
  CONTROL,
  CREDIT,
  decodeCredit,
  encodeCredit,
  FLAG_BYTES,
  FLAG_EMPTY,
  FLAG_LAST,
  FLAG_MORE,
  FLAG_STREAM,
  type FrameHeader,
  FrameReader,
  HEADER_BYTES,
  MESSAGE,
  OPEN,
  PING,
  PONG,
  SLOTS_READ,
} from "./frame.ts";
import { FrameWriter } from "./frame-writer.ts";
import {
  decodeAbort,
  decodeJson,
  decodeWaitTimes,
  encodeAbort,
  encodeJson,
} from "./json-payload.ts";
import { type CallLink, chunksAfterFirst, LinkCall } from "./link-call.ts";
import type { LinkedSide, LinkOptions } from "./link-options.ts";
import { decodeOpening, encodeHeader } from "./opening.ts";
import { IncomingSlots, OutgoingSlots } from "./shared-memory.ts";

const NOTHING = new Uint8Array(0);

/** Incomplete messages and the arguments of open calls: together at most this many messages of the largest size. */
const HELD_MESSAGES_MAX = 32;
/** Frames that wait for a peer that sends without reading. */
const UNREAD_BYTES_MAX = 4 * 1024 * 1024;

/** Chunks between two checks whether the transport is saturated. */
const CHUNKS_PER_FLUSH = 4;

/**
 * The link between a host and an instance: calls and streams multiplexed over any duplex transport.
 *
 * - L1. Frames of one call arrive in order; frames of different calls interleave, at most 64 KiB at a time.
 * - L2. Each direction of a call buffers at most its window of unconsumed bytes, whatever the peer does. Arguments must be
 *   complete before the call begins, so L4 bounds them instead.
 * - L3. When the link closes, every open call receives exactly one `onAbort`.
 * - L4. The memory that the peer can occupy is bounded: incomplete messages, arguments, and frames that it does not read.
 * - L5. A payload in shared memory does not change until the peer has read it.
 *
 * The link does no I/O. Bytes arrive through `receive` and leave through `write`, or go through the shared memory that its
 * owner provides.
 */
export class Link implements CallTarget, CallLink {
  readonly messageBytesMax: number;
  readonly #options: LinkOptions;
  readonly #calls = new CallTable<LinkCall>();
  /** Calls whose arguments are not complete yet. */
  readonly #openings = new Map<number, CallRequest>();
  readonly #slots: OutgoingSlots | undefined;
  readonly #peerSlots: IncomingSlots | undefined;
  readonly #writer: FrameWriter;
  readonly #reader: FrameReader;
  /** Calls with chunks to send, in the order in which they send. */
  readonly #queued = new Set<LinkCall>();
  #nextId: number;
  #remoteCalls = 0;
  #framesReceived = 0;
  #regularCalls = 0;
  #heldBytes = 0;
  #unreadBytes = 0;
  #isSaturated = false;
  #isFlushScheduled = false;
  #closedBy: LeverError | undefined;
  #pings: (() => void)[] = [];

  constructor(options: LinkOptions) {
    this.#options = options;
    this.messageBytesMax = options.messageBytesMax;
    const { shared } = options;
    this.#slots = shared && new OutgoingSlots(shared.outgoing, options.side);
    this.#peerSlots = shared && new IncomingSlots(shared.incoming);
    this.#writer = new FrameWriter(this.#slots);
    this.#nextId = options.side === "host" ? 2 : 1;
    this.#reader = new FrameReader({
      isBorrowed: options.isBorrowed ?? false,
      place: (header) =>
        header.type === MESSAGE ? this.#calls.get(header.id)?.place(header) : undefined,
      readSlot: (slot, target) => {
        if (this.#peerSlots === undefined) {
          throw new Error("Cannot read a frame: no memory is shared.");
        }
        this.#peerSlots.read(slot, target);
      },
      onFrame: (header, payload) => {
        this.#framesReceived++;
        if (this.#closedBy === undefined) this.#onFrame(header, payload);
      },
    });
  }

  get isSaturated(): boolean {
    return this.#isSaturated;
  }

  /** Frames received since the link was made. */
  get framesReceived(): number {
    return this.#framesReceived;
  }

  /** Regular calls that this side has made since the link was made. */
  get regularCalls(): number {
    return this.#regularCalls;
  }

  /** Open calls in both directions. A call of the peer counts once its arguments are complete. */
  get callsOpen(): number {
    return this.#calls.size - this.#openings.size;
  }

  open(request: CallRequest, events: CallListener, hasMore: boolean): LinkedSide {
    const call = new LinkCall(this, this.#takeId());
    call.events = events;
    if (this.#closedBy !== undefined) {
      const error = this.#closedBy;
      queueMicrotask(() => call.lost(error));
      return call;
    }
    const head = encodeHeader(request);
    if (!request.isStream) this.#regularCalls++;
    this.#calls.set(call.id, call);
    const { body } = request;
    const isWhole = body.length <= CHUNK_BYTES;
    const first = isWhole ? body : body.subarray(0, CHUNK_BYTES);
    const chunks = isWhole ? 0 : chunksAfterFirst(body.length);
    const kindFlag = request.kind === PAYLOAD_BYTES ? FLAG_BYTES : 0;
    const lastFlag = hasMore ? 0 : FLAG_LAST;
    const flags =
      kindFlag | (request.isStream ? FLAG_STREAM : 0) | (isWhole ? lastFlag : FLAG_MORE);
    const isCopied = this.#writer.push(OPEN, flags, call.id, first, { head, chunks });
    this.#schedule();
    const release = isCopied ? request.release : undefined;
    if (isWhole) release?.();
    call.opened(
      isWhole
        ? undefined
        : {
            flags: kindFlag | lastFlag,
            bytes: body,
            isArguments: true,
            release,
            offset: first.length,
          },
      hasMore,
    );
    return call;
  }

  /** Sends a control message: a small JSON value for the owner of the other end. */
  control(message: unknown): void {
    this.#push(CONTROL, 0, 0, encodeJson(message));
  }

  /** Calls back when the other side's event loop has responded. */
  ping(onPong: () => void): void {
    this.#pings.push(onPong);
    this.#push(PING, 0, 0, NOTHING);
  }

  /**
   * Reads bytes from the transport. Returns how many more payload bytes came through shared memory.
   * @throws Error when they break the protocol: close the link and the transport.
   */
  receive(chunk: Uint8Array): number {
    this.#reader.push(chunk);
    const read = this.#peerSlots?.takeRead();
    if (read !== undefined && read.slots > 0) this.#push(SLOTS_READ, 0, read.slots, NOTHING);
    if (this.#unreadBytes > UNREAD_BYTES_MAX) {
      throw new Error("Cannot answer: the peer writes, and does not read.");
    }
    return read?.bytes ?? 0;
  }

  /** Releases shared memory that was not used since the last call. True = none is left to release. */
  clearUnused(): boolean {
    return this.#slots?.clearUnused() ?? true;
  }

  /** The transport accepts bytes again. */
  drained(): void {
    this.#isSaturated = false;
    this.#unreadBytes = 0;
    this.#pump();
    for (const call of this.#calls.values()) call.drained();
  }

  /** Writes the collected frames. */
  flush(): void {
    this.#isFlushScheduled = false;
    const parts = this.#writer.take();
    if (parts.length === 0 || this.#closedBy !== undefined) return;
    const sharedBytes = this.#slots?.takePutBytes() ?? 0;
    if (!this.#options.write(parts, sharedBytes)) this.#isSaturated = true;
  }

  /** The transport has closed or must close: aborts every open call with this error (L3). */
  close(error: LeverError): void {
    if (this.#closedBy !== undefined) return;
    this.#closedBy = error;
    const calls = this.#calls.values();
    this.#calls.clear();
    this.#openings.clear();
    this.#queued.clear();
    for (const call of calls) call.lost(error);
  }

  // Called by LinkCall.

  writeMessage(id: number, flags: number, payload: Uint8Array, chunks: number): boolean {
    return this.#push(MESSAGE, flags, id, payload, chunks);
  }

  writeCredit(id: number, bytes: number): void {
    this.#push(CREDIT, 0, id, encodeCredit(bytes));
  }

  writeAssigned(id: number, waitTimes: WaitTimes): void {
    this.#push(ASSIGNED, 0, id, encodeJson(waitTimes));
  }

  writeAbort(id: number, error: LeverError): void {
    this.#push(ABORT, 0, id, encodeAbort(error));
  }

  hold(bytes: number): boolean {
    this.#heldBytes += bytes;
    const isWithin = this.#options.hold?.(bytes) !== false;
    return isWithin && this.#heldBytes <= HELD_MESSAGES_MAX * this.messageBytesMax;
  }

  queue(call: LinkCall): void {
    if (this.#queued.has(call)) return;
    this.#queued.add(call);
    this.#schedule();
  }

  forget(id: number): void {
    if (this.#calls.delete(id) && this.#isRemote(id)) this.#remoteCalls--;
    this.#openings.delete(id);
    if (this.callsOpen === 0) this.#options.onIdle?.();
  }

  /** Returns whether the payload was copied. */
  #push(type: number, flags: number, id: number, payload: Uint8Array, chunks = 0): boolean {
    if (this.#closedBy !== undefined) return false;
    // Messages wait for credit; other frames are sent at once and must be counted (L4).
    if (this.#isSaturated && type !== MESSAGE) this.#unreadBytes += HEADER_BYTES + payload.length;
    const isCopied = this.#writer.push(type, flags, id, payload, { chunks });
    this.#schedule();
    return isCopied;
  }

  #schedule(): void {
    if (this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    this.#options.schedule(() => {
      this.#pump();
      this.flush();
    });
  }

  /** Queued calls send one chunk each in turn, so that none blocks the others (L1). */
  #pump(): void {
    let chunks = 0;
    while (!this.#isSaturated && this.#slots?.hasRoom !== false) {
      const [call] = this.#queued;
      if (call === undefined) break;
      this.#queued.delete(call);
      if (call.pump()) this.#queued.add(call);
      else call.drained();
      if (++chunks % CHUNKS_PER_FLUSH === 0) this.flush();
    }
    this.flush();
  }

  #onFrame(header: FrameHeader, payload: Uint8Array): void {
    const { type, flags, id } = header;
    switch (type) {
      case OPEN:
        this.#onOpen(header, payload);
        return;
      case MESSAGE:
        this.#onMessage(flags, id, payload);
        return;
      case CREDIT:
        this.#calls.get(id)?.receiveCredit(decodeCredit(payload));
        return;
      case ABORT:
        this.#calls.get(id)?.receiveAbort(decodeAbort(payload));
        return;
      case ASSIGNED:
        this.#calls.get(id)?.events?.onAssigned?.(decodeWaitTimes(payload));
        return;
      case CONTROL:
        this.#options.onControl(decodeJson(payload));
        return;
      case PING:
        this.#push(PONG, 0, 0, NOTHING);
        return;
      case PONG:
        this.#pings.shift()?.();
        return;
      case SLOTS_READ:
        this.#slots?.free(id);
        if (this.#queued.size > 0) this.#schedule();
        return;
      default:
        throw new Error(`Cannot read a frame: there is no type ${type}.`);
    }
  }

  #onOpen(header: FrameHeader, payload: Uint8Array): void {
    const { flags, id } = header;
    if (!this.#isRemote(id) || this.#calls.has(id)) {
      throw new Error(`Cannot open call ${id}: the number is not free.`);
    }
    const { header: head, body } = decodeOpening(payload);
    const call = new LinkCall(this, id);
    this.#calls.set(id, call);
    this.#remoteCalls++;
    if (this.#remoteCalls > this.#options.callsMax) {
      call.abort(
        new LeverError("overloaded", "Cannot take the call: too many are open on this link.", {
          retryAfterSeconds: 1,
        }),
      );
      return;
    }
    const request: CallRequest = {
      caller: head.caller,
      target: head.target,
      timeoutMs: head.timeoutMs,
      isStream: (flags & FLAG_STREAM) !== 0,
      kind: flags & FLAG_BYTES ? PAYLOAD_BYTES : PAYLOAD_JSON,
      body,
    };
    const refusal = flags & FLAG_MORE ? this.#options.refuse?.(request) : undefined;
    if (refusal !== undefined) {
      call.abort(refusal);
      return;
    }
    const whole = call.receiveOpening(body, header);
    if (whole === undefined) {
      // `receiveOpening` may have refused the call.
      if (this.#calls.has(id)) this.#openings.set(id, { ...request, body: NOTHING });
    } else if (call.holdArguments(whole.length)) {
      this.#deliver(call, request, (flags & FLAG_LAST) !== 0);
    }
  }

  #onMessage(flags: number, id: number, payload: Uint8Array): void {
    const call = this.#calls.get(id);
    if (call === undefined) return;
    const pending = this.#openings.get(id);
    if (pending !== undefined && !(flags & FLAG_MORE)) {
      // The last chunk of the arguments: a temporary listener receives the complete ones.
      let body: Uint8Array = NOTHING;
      call.events = {
        ...ignoredEvents,
        onMessage: (_kind, bytes) => {
          body = bytes;
        },
      };
      call.receiveMessage(flags & ~FLAG_LAST, payload);
      if (!this.#openings.delete(id) || !call.holdArguments(body.length)) return;
      const isLast = (flags & FLAG_LAST) !== 0;
      if (isLast) call.receiveMessage(FLAG_LAST | FLAG_EMPTY, NOTHING);
      this.#deliver(call, { ...pending, body }, isLast);
      return;
    }
    call.receiveMessage(flags, payload);
  }

  #deliver(call: LinkCall, request: CallRequest, isLast: boolean): void {
    call.events = this.#options.onCall(request, call);
    if (isLast) call.events.onEnd();
  }

  #isRemote(id: number): boolean {
    return id % 2 === (this.#options.side === "host" ? 1 : 0);
  }

  #takeId(): number {
    do this.#nextId = (this.#nextId + 2) % 0x1_0000_0000;
    while (this.#calls.has(this.#nextId));
    return this.#nextId;
  }
}
