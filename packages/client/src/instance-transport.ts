import {
  type ActiveCall,
  type CallHandle,
  type CallListener,
  INSTANCE_LINK,
  type InstanceLink,
  LeverError,
  type LeverUrl,
  type Payload,
} from "@leveros/protocol";
import { openingOf } from "./call-opening.ts";
import { invokeOver, openOver } from "./outgoing-call.ts";
import type { InvokeOptions, Transport } from "./transport.ts";

/** Calls over the link between an instance and its host: no network, no configuration, and an identity that is known. */
export class InstanceTransport implements Transport {
  readonly #link: InstanceLink;

  constructor(link: InstanceLink) {
    this.#link = link;
  }

  // The host keeps the deadline; should it go away, the link closes and the call is aborted.
  invoke(url: LeverUrl, payload: Payload, { timeoutMs, signal }: InvokeOptions): Promise<Payload> {
    const course = this.#link.activeCall();
    const opening = openingOf(url, payload, {
      isStream: false,
      timeoutMs: timeWithin(course, timeoutMs),
    });
    return invokeOver(this.#link.callee, opening, { course, signals: [signal] });
  }

  open(
    url: LeverUrl,
    args: Payload,
    { timeoutMs, events }: { timeoutMs: number; events: CallListener },
  ): CallHandle {
    const course = this.#link.activeCall();
    const opening = openingOf(url, args, {
      isStream: true,
      timeoutMs: timeWithin(course, timeoutMs),
    });
    return openOver(this.#link.callee, opening, { events, cancellation: { course, signals: [] } });
  }
}

/** The time for a call in the course of another: its own, but no more than that one has left. 0 = no deadline. */
function timeWithin(course: ActiveCall | undefined, timeoutMs: number): number {
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
