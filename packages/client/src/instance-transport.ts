import {
  type CallEvents,
  type Callee,
  type CallOpening,
  type CallSide,
  INSTANCE_LINK,
  type InstanceLink,
  LeverError,
  type LeverUrl,
  type Payload,
} from "@leveros/protocol";
import { leftCall, methodFailed } from "./reply-value.ts";
import type { InvokeOptions, Transport } from "./transport.ts";

/** Calls over the link between an instance and its host: no network, no configuration, and an identity that is known. */
export class InstanceTransport implements Transport {
  readonly #callee: Callee;

  constructor(callee: Callee) {
    this.#callee = callee;
  }

  // The host keeps the deadline; should it go away, the link closes and the call is aborted.
  invoke(url: LeverUrl, payload: Payload, { timeoutMs, signal }: InvokeOptions): Promise<Payload> {
    const opening = openingOf(url, payload, { isStream: false, timeoutMs });
    return new Promise((resolve, reject) => {
      const events = {
        onMessage: (kind: Payload["kind"], bytes: Uint8Array) => resolve({ kind, bytes }),
        // After a reply this changes nothing.
        onEnd: () =>
          reject(new LeverError("internal", `The call of ${url.method} ended without a reply.`)),
        onFail: (kind: Payload["kind"], bytes: Uint8Array) => reject(methodFailed({ kind, bytes })),
        onAbort: reject,
        onDrain() {},
      };
      const side = this.#callee.open(opening, events, false);
      signal?.addEventListener(
        "abort",
        () => {
          side.abort(leftCall());
          reject(leftCall());
        },
        { once: true },
      );
    });
  }

  open(
    url: LeverUrl,
    args: Payload,
    { timeoutMs, events }: { timeoutMs: number; events: CallEvents },
  ): CallSide {
    return this.#callee.open(openingOf(url, args, { isStream: true, timeoutMs }), events, true);
  }
}

function openingOf(
  url: LeverUrl,
  { kind, bytes: body }: Payload,
  options: { isStream: boolean; timeoutMs: number },
): CallOpening {
  // A port says where to connect, and the link is there.
  const environment = url.environment.replace(/:\d+$/, "");
  return { ...url, ...options, environment, kind, body };
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
