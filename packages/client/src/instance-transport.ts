import {
  type CallCourse,
  type CallEvents,
  type CallSide,
  INSTANCE_LINK,
  type InstanceLink,
  LeverError,
  type LeverUrl,
  type Payload,
  type PayloadKind,
} from "@leveros/protocol";
import { leftCall, methodFailed } from "./reply-value.ts";
import type { InvokeOptions, Transport } from "./transport.ts";

/** Calls over the link between an instance and its host: no network, no configuration, and an identity that is known. */
export class InstanceTransport implements Transport {
  readonly #link: InstanceLink;

  constructor(link: InstanceLink) {
    this.#link = link;
  }

  // The host keeps the deadline; should it go away, the link closes and the call is aborted.
  invoke(url: LeverUrl, payload: Payload, { timeoutMs, signal }: InvokeOptions): Promise<Payload> {
    return new Promise<Payload>((resolve, reject) => {
      let hasReply = false;
      const events: CallEvents = {
        onMessage(kind, bytes) {
          hasReply = true;
          resolve({ kind, bytes });
        },
        onEnd() {
          if (hasReply) return;
          reject(new LeverError("internal", `The call of ${url.method} ended without a reply.`));
        },
        onFail: (kind, bytes) => reject(methodFailed({ kind, bytes })),
        onAbort: reject,
        onDrain() {},
      };
      this.#open(url, payload, { isStream: false, timeoutMs, signal, events });
    });
  }

  open(
    url: LeverUrl,
    args: Payload,
    { timeoutMs, events }: { timeoutMs: number; events: CallEvents },
  ): CallSide {
    return this.#open(url, args, { isStream: true, timeoutMs, signal: undefined, events });
  }

  #open(
    url: LeverUrl,
    { kind, bytes: body }: Payload,
    options: InvokeOptions & { isStream: boolean; events: CallEvents },
  ): CallSide {
    const { isStream } = options;
    const course = this.#link.currentCall();
    const timeoutMs = timeWithin(course, options.timeoutMs);
    // A port says where to connect, and the link is there.
    const environment = url.environment.replace(/:\d+$/, "");
    const call = new OutgoingCall(options.events, course, options.signal);
    const { service, resource, method } = url;
    const opening = { environment, service, resource, method, isStream, timeoutMs, kind, body };
    const side = this.#link.callee.open(opening, call, isStream);
    call.begin(side);
    return side;
  }
}

/** A call over the link, which is left together with the call in whose course it was made, or by a signal. */
class OutgoingCall implements CallEvents {
  readonly #events: CallEvents;
  readonly #course: CallCourse | undefined;
  readonly #signal: AbortSignal | undefined;
  #side: CallSide | undefined;

  constructor(events: CallEvents, course: CallCourse | undefined, signal: AbortSignal | undefined) {
    this.#events = events;
    this.#course = course;
    this.#signal = signal;
  }

  begin(side: CallSide): void {
    this.#side = side;
    this.#course?.onLeave(this.#leave);
    this.#signal?.addEventListener("abort", this.#leave);
    // Whoever opens a call hears nothing of it before this has returned.
    if (this.#course?.hasLeft === true || this.#signal?.aborted === true) {
      queueMicrotask(this.#leave);
    }
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
    this.#side = undefined;
    this.#course?.offLeave(this.#leave);
    this.#signal?.removeEventListener("abort", this.#leave);
  }
}

/** The time for a call in the course of another: its own, but no more than that one has left. 0 = no deadline. */
function timeWithin(course: CallCourse | undefined, timeoutMs: number): number {
  const leftMs = course?.timeLeftMs;
  if (leftMs === undefined) return timeoutMs;
  const wholeMs = Math.max(1, Math.ceil(leftMs));
  return timeoutMs === 0 ? wholeMs : Math.min(timeoutMs, wholeMs);
}

/**
 * The link that this process has as an instance; undefined elsewhere.
 * @throws LeverError `not_supported` when the runtime is newer than this client understands.
 */
export function findInstanceLink(): InstanceLink | undefined {
  const link = (globalThis as { [INSTANCE_LINK]?: InstanceLink })[INSTANCE_LINK];
  if (link === undefined || link.protocol === 1) return link;
  throw new LeverError(
    "not_supported",
    "Cannot call from this instance: its leveros package is older than the host. Remove it from the service, Lever provides one.",
  );
}
