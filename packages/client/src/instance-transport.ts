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
import { callRequest } from "./call-request.ts";
import { invokeOver, openOver } from "./outgoing-call.ts";
import type { InvokeOptions, Transport } from "./transport.ts";

/** Calls over the link of an instance to its host, without network or configuration. The host knows the caller. */
export class InstanceTransport implements Transport {
  readonly #link: InstanceLink;

  constructor(link: InstanceLink) {
    this.#link = link;
  }

  // The host enforces the deadline. If the host exits, the link closes and the call is aborted.
  invoke(url: LeverUrl, payload: Payload, { timeoutMs, signal }: InvokeOptions): Promise<Payload> {
    const activeCall = this.#link.activeCall();
    const request = callRequest(url, payload, {
      isStream: false,
      timeoutMs: timeWithin(activeCall, timeoutMs),
      parent: activeCall?.callId,
      trace: activeCall?.activeSpan,
    });
    return invokeOver(this.#link.callee, request, { activeCall, signals: [signal] });
  }

  open(
    url: LeverUrl,
    args: Payload,
    { timeoutMs, events }: { timeoutMs: number; events: CallListener },
  ): CallHandle {
    const activeCall = this.#link.activeCall();
    const request = callRequest(url, args, {
      isStream: true,
      timeoutMs: timeWithin(activeCall, timeoutMs),
      parent: activeCall?.callId,
      trace: activeCall?.activeSpan,
    });
    return openOver(this.#link.callee, request, {
      events,
      cancellation: { activeCall, signals: [] },
    });
  }
}

/** Time for a call made during another call: its own, at most the time that the other has left. 0 = no deadline. */
function timeWithin(activeCall: ActiveCall | undefined, timeoutMs: number): number {
  const leftMs = activeCall?.timeLeftMs;
  if (leftMs === undefined) return timeoutMs;
  const wholeMs = Math.max(1, Math.ceil(leftMs));
  return timeoutMs === 0 ? wholeMs : Math.min(timeoutMs, wholeMs);
}

/**
 * The link of this process to its host, if it is an instance; undefined elsewhere.
 * @throws LeverError `not_supported` when the runtime is newer than this client supports.
 */
export function findInstanceLink(): InstanceLink | undefined {
  const link = (globalThis as { [INSTANCE_LINK]?: InstanceLink })[INSTANCE_LINK];
  if (link === undefined || link.protocol === 1) return link;
  throw new LeverError(
    "not_supported",
    "Cannot call from this instance: the leveros package of the service is older than the host. Remove it from the service: Lever provides one.",
  );
}
