import type { CallHandle, CallListener, CallOpening } from "../call.ts";
import type { LeverError } from "../errors.ts";
import type { SharedMemory } from "./shared-memory.ts";

/** One side of a call on a link. */
export interface LinkedSide extends CallHandle {
  /** Names the call on both sides of the link, for as long as it is open. */
  readonly id: number;
}

export interface LinkOptions {
  /** Hosts and instances number their calls apart: even and odd. */
  readonly side: "host" | "instance";
  /**
   * Writes in order; what is written goes with so many bytes in shared memory. False = saturated, until `drained()` is
   * called.
   */
  write(parts: readonly Uint8Array[], sharedBytes: number): boolean;
  /** Asks for `flush` once, after the events of this turn of the event loop. */
  schedule(flush: () => void): void;
  /** A call has arrived, whole up to its arguments. Returns what listens to the rest. */
  onCall(opening: CallOpening, side: LinkedSide): CallListener;
  onControl(message: unknown): void;
  /** Largest message or argument list, in bytes. */
  readonly messageBytesMax: number;
  /** Most calls at once that the other side may have open. */
  readonly callsMax: number;
  /** What is received will be written over later. Default: it is the link's own. */
  readonly isBorrowed?: boolean;
  /** Why a call is not taken whose arguments come in pieces: asked before they are gathered. Default: taken. */
  refuse?(opening: CallOpening): LeverError | undefined;
  /** Told of bytes that the link holds, negative = holds no more. False = they are too many. Default: never. */
  hold?(bytes: number): boolean;
  /** Large payloads go through it. Default: all go through the transport. */
  readonly shared?: SharedMemory | undefined;
  /** No call is open any more. May come more often than calls do. */
  onIdle?(): void;
}
