import {
  type ActiveCall,
  type CallHandle,
  type CallListener,
  type CallOpening,
  type CallTarget,
  LeverError,
  type Payload,
  type PayloadKind,
} from "@leveros/protocol";
import { cancelledError, methodFailed } from "./reply-value.ts";

/** What ends a call early. */
export interface Cancellation {
  /** The call in whose course this one is made: it is left with it. */
  readonly course?: ActiveCall | undefined;
  readonly signals: readonly (AbortSignal | undefined)[];
}

/**
 * Makes one regular call over a link.
 * @throws LeverError `method_failed` when the method did, `cancelled` when it is left before the reply, and what the link
 * says.
 */
export function invokeOver(
  callee: CallTarget,
  opening: CallOpening,
  leaving: Cancellation,
): Promise<Payload> {
  return new Promise((resolve, reject) => {
    let hasReply = false;
    const events: CallListener = {
      onMessage(kind, bytes) {
        hasReply = true;
        resolve({ kind, bytes });
      },
      onEnd() {
        if (hasReply) return;
        const message = `The call of ${opening.method} ended without a reply.`;
        reject(new LeverError("internal", message));
      },
      onFail: (kind, bytes) => reject(methodFailed({ kind, bytes })),
      onAbort: reject,
      onDrain() {},
    };
    openOver(callee, opening, { events, cancellation: leaving });
  });
}

/** Opens a call over a link, which hears `cancelled` when it is left. */
export function openOver(
  callee: CallTarget,
  opening: CallOpening,
  { events, cancellation: leaving }: { events: CallListener; cancellation: Cancellation },
): CallHandle {
  const call = new OutgoingCall(events, leaving);
  const side = callee.open(opening, call, opening.isStream);
  call.begin(side);
  return side;
}

/** What a call hears, until it is over or left. */
class OutgoingCall implements CallListener {
  readonly #events: CallListener;
  readonly #cancellation: Cancellation;
  #side: CallHandle | undefined;
  #isOver = false;

  constructor(events: CallListener, leaving: Cancellation) {
    this.#events = events;
    this.#cancellation = leaving;
  }

  begin(side: CallHandle): void {
    if (this.#isOver) return;
    this.#side = side;
    const { course, signals } = this.#cancellation;
    let hasLeft = course?.isCancelled === true;
    course?.onCancel(this.#cancel);
    for (const signal of signals) {
      signal?.addEventListener("abort", this.#cancel);
      hasLeft ||= signal?.aborted === true;
    }
    // Whoever opens a call hears nothing of it before this has returned.
    if (hasLeft) queueMicrotask(this.#cancel);
  }

  onMessage(kind: PayloadKind, bytes: Uint8Array): void {
    this.#events.onMessage(kind, bytes);
  }

  onDrain(): void {
    this.#events.onDrain();
  }

  onEnd(): void {
    this.#over();
    this.#events.onEnd();
  }

  onFail(kind: PayloadKind, bytes: Uint8Array): void {
    this.#over();
    this.#events.onFail(kind, bytes);
  }

  onAbort(error: LeverError): void {
    this.#over();
    this.#events.onAbort(error);
  }

  readonly #cancel = (): void => {
    const side = this.#side;
    if (side === undefined) return;
    this.#over();
    side.abort(cancelledError());
    this.#events.onAbort(cancelledError());
  };

  #over(): void {
    this.#isOver = true;
    this.#side = undefined;
    const { course, signals } = this.#cancellation;
    course?.offCancel(this.#cancel);
    for (const signal of signals) signal?.removeEventListener("abort", this.#cancel);
  }
}
