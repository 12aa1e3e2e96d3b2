import type { LeverError } from "./errors.ts";
import type { StartTimes } from "./instance-messages.ts";
import type { LeverUrl } from "./lever-url.ts";
import type { TraceContext } from "./trace-ids.ts";

/** The payload is JSON text in UTF-8. */
export const PAYLOAD_JSON = 0;
/** The payload is bytes without meaning to Lever. */
export const PAYLOAD_BYTES = 1;
export type PayloadKind = typeof PAYLOAD_JSON | typeof PAYLOAD_BYTES;
/** The payload is lines of JSON text in UTF-8, each a message. Only the caller of a streaming method sends it. */
export const PAYLOAD_LINES = 2;
export type MessageKind = PayloadKind | typeof PAYLOAD_LINES;

/** The caller of a call. The host derives it from the connection, and ignores what a caller claims. */
export type Caller =
  /** `mayReadLogs`: it may see what the service prints. */
  | { readonly kind: "outside"; readonly mayReadLogs: boolean }
  /** A caller of the admin service, which decides by method. `principal` is a token's id, or `local`. */
  | { readonly kind: "admin"; readonly principal: string }
  | { readonly kind: "service"; readonly environment: string; readonly service: string };

/** Callers outside Lever. */
export const OUTSIDE: Caller = { kind: "outside", mayReadLogs: false };
/** Callers outside Lever who may see what the service prints. */
export const LOG_READER: Caller = { kind: "outside", mayReadLogs: true };

/** How a host has passed a call on. None of these calls is passed on again. */
export const PASS_MARKS = [
  /** The host has a free place for it, else it declines. */
  "place",
  /** The host owns the resource, else it declines. */
  "at owner",
  /** The host may become the owner of the resource. */
  "may place",
] as const;
export type PassMark = (typeof PASS_MARKS)[number];

/** A call that another host has passed on. */
export interface PassedOn {
  readonly mark: PassMark;
  /** Number of calls in its chain, itself included. */
  readonly depth: number;
}

/** Why a host does not take a call that another host has passed on. Nothing of it has run. */
export type Declined =
  | { readonly reason: "busy" }
  /** `owner`: the host that owned the resource when it was last asked for. undefined = not known. */
  | {
      readonly reason: "not owner";
      readonly owner?: { readonly host: string; readonly incarnation: number } | undefined;
    };

/** Every part passes a call on in this form: the gateway, links, the router, and the runtime. */
export interface CallRequest {
  readonly caller: Caller;
  /** From an instance, the environment may be `""`: the instance's own. */
  readonly target: LeverUrl;
  /** True for a streaming method: messages may follow in both directions. */
  readonly isStream: boolean;
  /** Time left in milliseconds; 0 = no deadline. */
  readonly timeoutMs: number;
  /** Kind of the arguments. */
  readonly kind: PayloadKind;
  /** A JSON array of arguments, or one bytes argument. */
  readonly body: Uint8Array;
  /** Identifies the call (`formatCallId`). undefined or 0 = the host gives it one when it arrives. */
  readonly number?: number | undefined;
  /** Its caller asks for its trace. */
  readonly isSampled?: boolean | undefined;
  /** The number of the first call of its chain; undefined = its own. */
  readonly root?: number | undefined;
  /** undefined = its trace began at this host. */
  readonly trace?: TraceContext | undefined;
  /** From an instance: the number, on its link, of the call in whose course it makes this one. undefined = not known. */
  readonly parent?: number | undefined;
  /** From another host. undefined = it came in at this host. Ignored from anybody but a host. */
  readonly passedOn?: PassedOn | undefined;
  /**
   * Releases the memory of `body` to its owner, which will overwrite it. Called once, by the part that has copied the
   * body. A part that keeps the body never calls it.
   */
  readonly release?: (() => void) | undefined;
}

/** How long a call waited because no instance could take it at once. */
export interface WaitTimes {
  /** From its arrival at the router until an instance got it, in milliseconds. */
  readonly waitMs: number;
  /** Start of the instance that got the call. undefined for a service inside the host. */
  readonly start: StartTimes | undefined;
}

/**
 * The actions of one side of a call on the other side.
 *
 * After `fail` or `abort`, and after both sides have ended, the call is over: further calls do nothing.
 */
export interface CallHandle {
  /**
   * Sends one message, and with `isLast` ends this direction in the same frame. False = wait for `onDrain`. The bytes of
   * JSON must not be changed afterwards, unless `release` was called: once, by the part that has copied them. A part that keeps
   * them never calls it.
   */
  send(kind: MessageKind, bytes: Uint8Array, isLast?: boolean, release?: () => void): boolean;
  /** Half-closes: no more messages from this side. */
  end(): void;
  /** Ends the call with the method's own error value. `call` = its id, for a caller that does not have it. */
  fail(kind: PayloadKind, bytes: Uint8Array, call?: string): void;
  /** Ends the call with Lever's error: cancelled, past its deadline, refused. */
  abort(error: LeverError): void;
  /** Stops granting credit to the other side: at most a window of messages still arrives. */
  pause(): void;
  resume(): void;
}

/** Events of a call at one side. Nothing follows `onFail` or `onAbort`. */
export interface CallListener {
  onMessage(kind: PayloadKind, bytes: Uint8Array): void;
  /** Several messages of a caller, each a line of JSON: at a streaming method, and on the way there. */
  onLines?(bytes: Uint8Array): void;
  /** The other side has half-closed. */
  onEnd(): void;
  /** The method failed with this value. `call` = the id of the call, where the other side has sent it. */
  onFail(kind: PayloadKind, bytes: Uint8Array, call?: string): void;
  /** Lever ended the call, or the other side cancelled it. */
  onAbort(error: LeverError): void;
  /** `send` returned false before; now it may be called again. */
  onDrain(): void;
  /** As `onAbort`, when the other side has not read the call, so nothing has run. Default: `onAbort`. */
  onUnread?(error: LeverError): void;
  /** The call had to wait, and an instance has it now. At most once, before the first message. */
  onAssigned?(waitTimes: WaitTimes): void;
  /** The other host does not take the call that was passed on to it. Nothing follows. */
  onDeclined?(declined: Declined): void;
}

/** Takes calls: the router, a link to an instance, or a service inside the host. */
export interface CallTarget {
  /**
   * Opens a call. `hasMore` = false means that the request is all the caller sends. A refusal comes as `onAbort`,
   * perhaps before this returns.
   */
  open(request: CallRequest, listener: CallListener, hasMore: boolean): CallHandle;
}

/** A handle without effect, for a call that is over or not open yet. */
export const closedSide: CallHandle = {
  send: () => true,
  end() {},
  fail() {},
  abort() {},
  pause() {},
  resume() {},
};

/** A listener that ignores every event. */
export const ignoredEvents: CallListener = {
  onMessage() {},
  onEnd() {},
  onFail() {},
  onAbort() {},
  onDrain() {},
};
