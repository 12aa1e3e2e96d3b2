// One class, although long: calls in both directions and their frames share one table and its bounds.

import {
  type CallListener,
  type CallRequest,
  type CallTarget,
  PAYLOAD_BYTES,
  PAYLOAD_JSON,
} from "../call.ts";
import { LeverError } from "../errors.ts";
import { CallTable } from "./call-table.ts";
import { ControlChunks } from "./control-chunks.ts";
import {
  ABORT,
  ASSIGNED,
  CALL_BYTES,
  CALL_ID,
  CALLS,
  CONTROL,
  CREDIT,
  decodeCredit,
  FLAG_BYTES,
  FLAG_LAST,
  FLAG_LINES,
  FLAG_MORE,
  FLAG_SHARED,
  FLAG_STREAM,
  type FrameHeader,
  FrameReader,
  MESSAGE,
  OPEN,
  PING,
  PONG,
  SHARING_CALLS_MAX,
  SLOTS_READ,
} from "./frame.ts";
import { decodeAbort, decodeCallId, decodeJson, decodeWaitTimes } from "./json-payload.ts";
import { type CallLink, LinkCall } from "./link-call.ts";
import type { LinkedSide, LinkOptions, OpenCalls } from "./link-options.ts";
import { LinkOutput } from "./link-output.ts";
import { decodeOpening, encodeHeader } from "./opening.ts";
import { IncomingSlots } from "./shared-memory.ts";

const NOTHING = new Uint8Array(0);

/** Incomplete messages and the arguments of open calls: together at most this many messages of the largest size. */
const STORED_MESSAGES_MAX = 32;

/**
 * The link between a host and an instance: calls and streams multiplexed over any duplex transport.
 *
 * - L1. Frames of one call arrive in order; frames of different calls interleave, at most 64 KiB at a time.
 * - L2. Each direction of a call buffers at most its window of unconsumed bytes, whatever the peer does: 256 KiB, and up to
 *   1 MiB if its consumer has kept up. Arguments must be complete before the call begins, so L4 bounds them instead.
 * - L3. When the link closes, every open call receives exactly one `onAbort`.
 * - L4. The memory that the peer can occupy is bounded: incomplete messages, arguments, and frames that it does not read.
 * - L5. A payload in shared memory does not change until the peer has read it.
 *
 * The link does no I/O. Bytes arrive through `receive` and leave through `write`, or go through the shared memory that its
 * owner provides.
 */
export class Link implements CallTarget, OpenCalls, CallLink {
  readonly messageBytesMax: number;
  /** For the link and its calls only. */
  readonly output: LinkOutput;
  readonly #options: LinkOptions;
  readonly #calls = new CallTable<LinkCall>();
  /** Calls whose arguments are not complete yet. */
  readonly #openings = new Map<number, CallRequest>();
  readonly #peerSlots: IncomingSlots | undefined;
  readonly #control: ControlChunks;
  readonly #reader: FrameReader;
  #nextId: number;
  #remoteCalls = 0;
  #framesReceived = 0;
  #regularCalls = 0;
  #storedBytes = 0;
  #closedBy: LeverError | undefined;
  #pings: (() => void)[] = [];
  /** The message of the last frame, if further calls share it. */
  #sharedMessage: { readonly flags: number; readonly payload: Uint8Array } | undefined;
  #sharedBytes = 0;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.messageBytesMax = options.messageBytesMax;
    this.#peerSlots = options.shared && new IncomingSlots(options.shared.incoming);
    this.output = new LinkOutput(options);
    this.#nextId = options.side === "listener" ? 2 : 1;
    this.#control = new ControlChunks({
      onMessage: (message) => options.onControl(decodeJson(message)),
      countStored: (bytes) => this.countStored(bytes, bytes),
    });
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

  /** Frames received since the link was made. */
  get framesReceived(): number {
    return this.#framesReceived;
  }

  /** Regular calls that this side has made since the link was made. */
  get regularCalls(): number {
    return this.#regularCalls;
  }

  /** Changes with each call that this side makes. */
  get lastCall(): number {
    return this.#nextId;
  }

  /** Open calls in both directions. A call of the peer counts once its arguments are complete. */
  get callsOpen(): number {
    return this.#calls.size - this.#openings.size;
  }

  /** A call has ended on this side, and the peer has not read all of it. */
  get isEnding(): boolean {
    return this.#calls.values().some((call) => call.isEnding);
  }

  open(request: CallRequest, events: CallListener, hasMore: boolean): LinkedSide {
    const call = new LinkCall(this, this.#takeId());
    call.events = events;
    if (this.#closedBy !== undefined) {
      const error = this.#closedBy;
      queueMicrotask(() => call.lost(error, true));
      return call;
    }
    const head = encodeHeader(request);
    if (!request.isStream) this.#regularCalls++;
    this.#calls.set(call.id, call);
    call.sendOpening(request, head, hasMore);
    return call;
  }

  listenerOf(id: number): CallListener | undefined {
    return this.#isRemote(id) ? undefined : this.#calls.get(id)?.events;
  }

  listeners(): CallListener[] {
    const own = this.#calls.values().filter(({ id }) => !this.#isRemote(id));
    return own.flatMap(({ events }) => events ?? []);
  }

  /** Sends a control message: a JSON value for the owner of the other end. */
  control(message: unknown): void {
    this.output.control(message);
  }

  /** Calls back when the other side's event loop has responded. */
  ping(onPong: () => void): void {
    this.#pings.push(onPong);
    this.output.push(PING, 0, 0, NOTHING);
  }

  /**
   * Reads bytes from the transport. Returns how many more payload bytes came: through shared memory, and for further calls
   * that share a message.
   * @throws Error when they break the protocol: close the link and the transport.
   */
  receive(chunk: Uint8Array): number {
    this.#reader.push(chunk);
    const read = this.#peerSlots?.takeRead();
    if (read !== undefined && read.slots > 0) this.output.push(SLOTS_READ, 0, read.slots, NOTHING);
    this.output.checkUnread();
    const sharedBytes = this.#sharedBytes;
    this.#sharedBytes = 0;
    return sharedBytes + (read?.bytes ?? 0);
  }

  /** Releases shared memory that was not used since the last call. True = none is left to release. */
  clearUnused(): boolean {
    return this.output.clearUnused();
  }

  /** The transport accepts bytes again. */
  drained(): void {
    this.output.drained();
    for (const call of this.#calls.values()) call.drained();
  }

  /** Writes the collected frames. */
  flush(): void {
    this.output.flush();
  }

  /**
   * The peer is gone. It has read everything that was written, or, `wasReset`, not all of the last write. The calls of this side
   * that it has certainly not read are unread.
   */
  disconnected(wasReset: boolean): void {
    this.output.disconnected(wasReset);
  }

  /**
   * The transport has closed or must close: aborts every open call with this error (L3), except those that are unread. Without
   * `disconnected`, these are the ones that were not written.
   */
  close(error: LeverError): void {
    if (this.#closedBy !== undefined) return;
    this.#closedBy = error;
    this.output.disconnected(false);
    const calls = this.#calls.values();
    this.#calls.clear();
    this.#openings.clear();
    this.#control.drop();
    this.#sharedMessage = undefined;
    this.output.close();
    const { unreadFrom } = this.output;
    for (const call of calls) {
      call.lost(error, call.openedAt >= unreadFrom && !this.#isRemote(call.id));
    }
  }

  // Called by LinkCall.

  countStored(memoryBytes: number, arrivedBytes: number): boolean {
    this.#storedBytes += memoryBytes;
    const isWithin = this.#options.countArrived?.(arrivedBytes) !== false;
    return isWithin && this.#storedBytes <= STORED_MESSAGES_MAX * this.messageBytesMax;
  }

  countUnsent(bytes: number): LeverError | undefined {
    return this.#options.countUnsent?.(bytes);
  }

  forget(id: number): void {
    if (this.#calls.delete(id) && this.#isRemote(id)) this.#remoteCalls--;
    this.#openings.delete(id);
    if (this.callsOpen === 0) this.#options.onIdle?.();
  }

  #onFrame(header: FrameHeader, payload: Uint8Array): void {
    const { type, flags, id } = header;
    if (this.#sharedMessage !== undefined && type !== CALLS) {
      throw new Error("Cannot read a frame: a shared message comes without its calls.");
    }
    switch (type) {
      case OPEN:
        this.#onOpen(header, payload);
        return;
      case MESSAGE:
        if (flags & FLAG_SHARED) this.#onShared(flags, payload);
        this.#onMessage(flags, id, payload);
        return;
      case CALLS:
        this.#onCalls(payload);
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
      case CALL_ID:
        this.#calls.get(id)?.receiveId(decodeCallId(payload));
        return;
      case CONTROL:
        this.#control.add(flags, payload);
        return;
      case PING:
        this.output.push(PONG, 0, 0, NOTHING);
        return;
      case PONG:
        this.#pings.shift()?.();
        return;
      case SLOTS_READ:
        this.output.slotsRead(id);
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
      number: head.number,
      isSampled: head.isSampled,
      root: head.root,
      trace: head.trace,
      parent: head.parent,
      passedOn: head.passedOn,
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
    } else if (call.countArguments(whole.length)) {
      this.#deliver(call, request, (flags & FLAG_LAST) !== 0);
    }
  }

  #onMessage(flags: number, id: number, payload: Uint8Array): void {
    const call = this.#calls.get(id);
    if (call === undefined) return;
    if (flags & FLAG_LINES && !this.#isRemote(id)) {
      throw new Error("Cannot read a message: only callers send lines.");
    }
    const pending = this.#openings.get(id);
    if (pending !== undefined && !(flags & FLAG_MORE)) {
      const body = call.receiveLastArguments(flags, payload);
      if (body === undefined) return;
      this.#openings.delete(id);
      if (!call.countArguments(body.length)) return;
      const isLast = (flags & FLAG_LAST) !== 0;
      if (isLast) call.receiveLast();
      this.#deliver(call, { ...pending, body }, isLast);
      return;
    }
    call.receiveMessage(flags, payload);
  }

  #onShared(flags: number, payload: Uint8Array): void {
    if (flags & ~(FLAG_BYTES | FLAG_SHARED)) {
      throw new Error(`Cannot read a shared message: its flags are ${flags}.`);
    }
    this.#sharedMessage = { flags, payload: this.#copyOf(flags, payload) };
  }

  /** Each of the calls gets the message as if it had come in a frame of its own. */
  #onCalls(payload: Uint8Array): void {
    const shared = this.#sharedMessage;
    const count = payload.length / CALL_BYTES;
    if (shared === undefined || !Number.isInteger(count) || count > SHARING_CALLS_MAX) {
      throw new Error("Cannot read a frame: it is no list of calls after a shared message.");
    }
    this.#sharedMessage = undefined;
    const { flags, payload: message } = shared;
    const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
    for (let at = 0; at < payload.length; at += CALL_BYTES) {
      this.#framesReceived++;
      this.#sharedBytes += message.length;
      this.#onMessage(flags, view.getUint32(at, true), this.#copyOf(flags, message));
    }
  }

  /** A service may change bytes that it has received, so each of its calls gets its own. A listener only passes them on. */
  #copyOf(flags: number, message: Uint8Array): Uint8Array {
    return flags & FLAG_BYTES && this.#options.side === "dialler" ? message.slice() : message;
  }

  #deliver(call: LinkCall, request: CallRequest, isLast: boolean): void {
    call.events = this.#options.onCall(request, call);
    if (isLast) call.events.onEnd();
  }

  #isRemote(id: number): boolean {
    return id % 2 === (this.#options.side === "listener" ? 1 : 0);
  }

  #takeId(): number {
    do this.#nextId = (this.#nextId + 2) % 0x1_0000_0000;
    while (this.#calls.has(this.#nextId));
    return this.#nextId;
  }
}
