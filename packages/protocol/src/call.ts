import type { LeverError } from "./errors.ts";

/** The payload is JSON text in UTF-8. */
export const PAYLOAD_JSON = 0;
/** The payload is bytes without meaning to Lever. */
export const PAYLOAD_BYTES = 1;
export type PayloadKind = typeof PAYLOAD_JSON | typeof PAYLOAD_BYTES;

/** What opens a call: the neutral form that every transport turns its own request into. */
export interface CallOpening {
  /** The other party: towards an instance who calls (`""` = from outside), from an instance who is called. */
  readonly environment: string;
  readonly service: string;
  /** `""` when the URL names none. */
  readonly resource: string;
  readonly method: string;
  /** True for a streaming method: many messages may follow in both directions. */
  readonly isStream: boolean;
  /** Time left in milliseconds; 0 = no deadline. */
  readonly timeoutMs: number;
  /** Of the arguments. */
  readonly kind: PayloadKind;
  /** A JSON array of arguments, or one bytes argument. */
  readonly body: Uint8Array;
  /**
   * Whoever has copied the body calls this, once: its memory is its owner's again, and will be written over. Whoever keeps
   * the body never does.
   */
  readonly release?: (() => void) | undefined;
}

/**
 * What one side of a call can do to the other side.
 *
 * After `fail` or `abort`, and after both sides have ended, the call is over: further calls do nothing.
 */
export interface CallHandle {
  /** Sends one message, and with `isLast` ends this direction in the same frame. False = wait for `onDrain`. */
  send(kind: PayloadKind, bytes: Uint8Array, isLast?: boolean): boolean;
  /** Half-closes: no more messages from this side. */
  end(): void;
  /** Ends the call with the method's own error value. */
  fail(kind: PayloadKind, bytes: Uint8Array): void;
  /** Ends the call with Lever's error: cancelled, over its deadline, refused. */
  abort(error: LeverError): void;
  /** Stops granting credit to the other side: at most a window of messages still arrives. */
  pause(): void;
  resume(): void;
}

/** What one side of a call hears from the other. After `onFail` or `onAbort` nothing more comes. */
export interface CallListener {
  onMessage(kind: PayloadKind, bytes: Uint8Array): void;
  /** The other side has half-closed. */
  onEnd(): void;
  /** The method failed with this value. */
  onFail(kind: PayloadKind, bytes: Uint8Array): void;
  /** Lever, or the side that left, ended the call. */
  onAbort(error: LeverError): void;
  /** `send` returned false before; now there is room again. */
  onDrain(): void;
}

/** Whoever takes calls: a link to an instance, or a service inside the host. */
export interface CallTarget {
  /** Opens a call. `hasMore` = false means that the opening is all the caller sends. */
  open(opening: CallOpening, events: CallListener, hasMore: boolean): CallHandle;
}

/** A side of a call on which nothing has any effect: of one that is over, or that nobody waits for. */
export const closedSide: CallHandle = {
  send: () => true,
  end() {},
  fail() {},
  abort() {},
  pause() {},
  resume() {},
};

/** Ears that hear nothing. */
export const ignoredEvents: CallListener = {
  onMessage() {},
  onEnd() {},
  onFail() {},
  onAbort() {},
  onDrain() {},
};
