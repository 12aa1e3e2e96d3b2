import type { CallHandle, CallListener, CallRequest, WaitTimes } from "../call.ts";
import type { LeverError } from "../errors.ts";
import type { SharedMemory } from "./shared-memory.ts";

/** One side of a call on a link. */
export interface LinkedSide extends CallHandle {
  /** Identifies the call on both sides of the link while it is open. */
  readonly id: number;
  /** Passes on how long the call waited for an instance: before the first message. */
  sendAssigned(waitTimes: WaitTimes): void;
}

/** The calls that one side of a link has made and that are open. */
export interface OpenCalls {
  /** The listener of one of them; undefined = it is not among them. */
  listenerOf(id: number): CallListener | undefined;
  /** The listeners of all. */
  listeners(): CallListener[];
}

export interface LinkOptions {
  /**
   * The listener is a host, and the dialler an instance, a worker, a client or another host. Listeners give their calls even
   * numbers, diallers odd ones.
   */
  readonly side: "dialler" | "listener";
  /**
   * Writes the parts in order. `sharedBytes` counts the payload bytes that are not among them: those in shared memory, and
   * those of messages that several calls share.
   * False = saturated, until `drained()` is called.
   */
  write(parts: readonly Uint8Array[], sharedBytes: number): boolean;
  /** Calls `flush` once, after the events of this event loop iteration. */
  schedule(flush: () => void): void;
  /** Called for a new call once its arguments are complete. Returns the listener of the rest. */
  onCall(request: CallRequest, side: LinkedSide): CallListener;
  onControl(message: unknown): void;
  /** Largest message or argument list, in bytes. */
  readonly messageBytesMax: number;
  /** Most calls that the other side may have open at once. */
  readonly callsMax: number;
  /** The memory of received bytes is reused later. Default: it belongs to the link. */
  readonly isBorrowed?: boolean;
  /** Returns why a call is refused, before its arguments, which arrive in several frames, are stored. Default: never. */
  refuse?(request: CallRequest): LeverError | undefined;
  /**
   * Counts bytes of incomplete messages that have arrived, and of the arguments of open calls, except small ones; negative =
   * released. False = too many. Default: no limit.
   */
  countArrived?(bytes: number): boolean;
  /**
   * Counts bytes of messages that wait until the peer reads; negative = sent or dropped. A message is not sent, and its call
   * ends with the returned error, when it has no memory. Default: no limit but that of each call (L2).
   */
  countUnsent?(bytes: number): LeverError | undefined;
  /** Memory for large payloads. Default: none, the transport carries every payload. */
  readonly shared?: SharedMemory | undefined;
  /** Called when no call is open. May be called more than once in a row. */
  onIdle?(): void;
}
