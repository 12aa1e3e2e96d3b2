import {
  type CallCourse,
  type CallEvents,
  type Callee,
  type CallOpening,
  type CallSide,
  LeverError,
  type Payload,
  type PayloadKind,
} from "@leveros/protocol";
import { leftCall, methodFailed } from "./reply-value.ts";

/** What ends a call early. */
export interface Leaving {
  /** The call in whose course this one is made: it is left with it. */
  readonly course?: CallCourse | undefined;
  readonly signals: readonly (AbortSignal | undefined)[];
}

/**
 * Makes one regular call over a link.
 * @throws LeverError `method_failed` when the method did, `cancelled` when it is left before the reply, and what the link
 * says.
 */
export function invokeOver(
  callee: Callee,
  opening: CallOpening,
  leaving: Leaving,
): Promise<Payload> {
  return new Promise((resolve, reject) => {
    let hasReply = false;
    const events: CallEvents = {
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
    openOver(callee, opening, { events, leaving });
  });
}

/** Opens a call over a link, which hears `cancelled` when it is left. */
export function openOver(
  callee: Callee,
  opening: CallOpening,
  { events, leaving }: { events: CallEvents; leaving: Leaving },
): CallSide {
  const call = new OutgoingCall(events, leaving);
  const side = callee.open(opening, call, opening.isStream);
  call.begin(side);
  return side;
}

/** What a call hears, until it is over or left. */
class OutgoingCall implements CallEvents {
  readonly #events: CallEvents;
  readonly #leaving: Leaving;
  #side: CallSide | undefined;
  #isOver = false;

  constructor(events: CallEvents, leaving: Leaving) {
    this.#events = events;
    this.#leaving = leaving;
  }

  begin(side: CallSide): void {
    if (this.#isOver) return;
    this.#side = side;
    const { course, signals } = this.#leaving;
    let hasLeft = course?.hasLeft === true;
    course?.onLeave(this.#leave);
    for (const signal of signals) {
      signal?.addEventListener("abort", this.#leave);
      hasLeft ||= signal?.aborted === true;
    }
    // Whoever opens a call hears nothing of it before this has returned.
    if (hasLeft) queueMicrotask(this.#leave);
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

  readonly #leave = (): void => {
    const side = this.#side;
    if (side === undefined) return;
    this.#over();
    side.abort(leftCall());
    this.#events.onAbort(leftCall());
  };

  #over(): void {
    this.#isOver = true;
    this.#side = undefined;
    const { course, signals } = this.#leaving;
    course?.offLeave(this.#leave);
    for (const signal of signals) signal?.removeEventListener("abort", this.#leave);
  }
}
