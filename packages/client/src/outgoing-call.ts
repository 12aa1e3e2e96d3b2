import {
  type ActiveCall,
  type CallHandle,
  type CallListener,
  type CallRequest,
  type CallTarget,
  cancelled,
  endedWithoutReply,
  type LeverError,
  type Payload,
  type PayloadKind,
} from "@leveros/protocol";
import { methodFailed } from "./reply-value.ts";

/** The reasons to cancel a call. */
export interface Cancellation {
  /** The call that the current code runs for: this one is cancelled with it. */
  readonly activeCall?: ActiveCall | undefined;
  readonly signals: readonly (AbortSignal | undefined)[];
}

/**
 * Makes one regular call over a link.
 * @throws LeverError `method_failed` when the method failed, `cancelled` when the call is cancelled before the reply, and
 * the errors of the link.
 */
export function invokeOver(
  callee: CallTarget,
  request: CallRequest,
  cancellation: Cancellation,
): Promise<Payload> {
  return new Promise((resolve, reject) => {
    let hasReply = false;
    const events: CallListener = {
      onMessage(kind, bytes) {
        hasReply = true;
        resolve({ kind, bytes });
      },
      onEnd() {
        if (!hasReply) reject(endedWithoutReply());
      },
      onFail: (kind, bytes, call) => reject(methodFailed({ kind, bytes }, call)),
      onAbort: reject,
      onDrain() {},
    };
    openOver(callee, request, { events, cancellation });
  });
}

/** Opens a call over a link, and aborts it with `cancelled` when it is cancelled. */
export function openOver(
  callee: CallTarget,
  request: CallRequest,
  { events, cancellation }: { events: CallListener; cancellation: Cancellation },
): CallHandle {
  const call = new OutgoingCall(events, cancellation);
  const side = callee.open(request, call, request.isStream);
  call.begin(side);
  return side;
}

/** Forwards the events of a call to its listener until the call is over or cancelled. */
class OutgoingCall implements CallListener {
  readonly #events: CallListener;
  readonly #cancellation: Cancellation;
  #side: CallHandle | undefined;
  #isOver = false;

  constructor(events: CallListener, cancellation: Cancellation) {
    this.#events = events;
    this.#cancellation = cancellation;
  }

  begin(side: CallHandle): void {
    if (this.#isOver) return;
    this.#side = side;
    const { activeCall, signals } = this.#cancellation;
    let isCancelled = activeCall?.isCancelled === true;
    activeCall?.onCancel(this.#cancel);
    for (const signal of signals) {
      signal?.addEventListener("abort", this.#cancel);
      isCancelled ||= signal?.aborted === true;
    }
    // The caller must not receive events of the call before `openOver` has returned.
    if (isCancelled) queueMicrotask(this.#cancel);
  }

  onMessage(kind: PayloadKind, bytes: Uint8Array): void {
    this.#events.onMessage(kind, bytes);
  }

  onDrain(): void {
    this.#events.onDrain();
  }

  onEnd(): void {
    this.#finish();
    this.#events.onEnd();
  }

  onFail(kind: PayloadKind, bytes: Uint8Array, call?: string): void {
    this.#finish();
    this.#events.onFail(kind, bytes, call);
  }

  onAbort(error: LeverError): void {
    this.#finish();
    this.#events.onAbort(error);
  }

  readonly #cancel = (): void => {
    const side = this.#side;
    if (side === undefined) return;
    this.#finish();
    side.abort(cancelled("caller"));
    this.#events.onAbort(cancelled("caller"));
  };

  #finish(): void {
    this.#isOver = true;
    this.#side = undefined;
    const { activeCall, signals } = this.#cancellation;
    activeCall?.offCancel(this.#cancel);
    for (const signal of signals) signal?.removeEventListener("abort", this.#cancel);
  }
}
