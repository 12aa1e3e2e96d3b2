import {
  type Callee,
  INSTANCE_LINK,
  type InstanceLink,
  LeverError,
  type LeverUrl,
  type Payload,
} from "@leveros/protocol";
import { methodFailed } from "./reply-value.ts";
import type { InvokeOptions, Transport } from "./transport.ts";

/** Calls over the link between an instance and its host: no network, no configuration, and an identity that is known. */
export class InstanceTransport implements Transport {
  readonly #callee: Callee;

  constructor(callee: Callee) {
    this.#callee = callee;
  }

  // The host keeps the deadline; should it go away, the link closes and the call is aborted.
  invoke(url: LeverUrl, payload: Payload, { timeoutMs }: InvokeOptions): Promise<Payload> {
    // A port says where to connect, and the link is there.
    const environment = url.environment.replace(/:\d+$/, "");
    const { kind, bytes: body } = payload;
    const opening = { ...url, environment, isStream: false, timeoutMs, kind, body };
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
      this.#callee.open(opening, events, false);
    });
  }
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
