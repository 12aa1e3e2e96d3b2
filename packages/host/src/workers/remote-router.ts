import {
  type CallHandle,
  type CallListener,
  type CallRequest,
  closedSide,
  LeverError,
  type Link,
  type PayloadKind,
  type WaitTimes,
} from "@leveros/protocol";
import type { CallHead, CallRouter } from "../router/call.ts";
import { type EnvironmentAccess, unknownEnvironment } from "../router/environment-access.ts";
import { Sites } from "../router/sites.ts";

/** The way from a worker to the host's router: calls over the link, and who may call into which environment. */
export class RemoteRouter implements CallRouter {
  readonly #link: Pick<Link, "open">;
  readonly sites: Sites = new Sites();
  readonly #environments = new Map<string, { readonly access: EnvironmentAccess }>();

  constructor(link: Pick<Link, "open">) {
    this.#link = link;
  }

  environment(name: string): { readonly access: EnvironmentAccess } | undefined {
    return this.#environments.get(name);
  }

  /** undefined = the environment was removed. */
  setEnvironment(name: string, access: EnvironmentAccess | undefined): void {
    if (access === undefined) this.#environments.delete(name);
    else this.#environments.set(name, { access });
  }

  refusal({ target: { environment } }: CallHead): LeverError | undefined {
    return this.#environments.has(environment) ? undefined : unknownEnvironment(environment);
  }

  open(request: CallRequest, listener: CallListener, hasMore: boolean): CallHandle {
    try {
      if (!hasMore) return this.#link.open(request, listener, false);
      const stream = new RemoteStream(listener);
      stream.side = this.#link.open(request, stream, true);
      return stream.side;
    } catch (error) {
      // A name is too long for the link.
      if (!(error instanceof LeverError)) throw error;
      listener.onAbort(error);
      return closedSide;
    }
  }
}

/** Passes the events of a call on, and ends the call with its method, as the host's router does. */
class RemoteStream implements CallListener {
  side: CallHandle = closedSide;
  readonly #listener: CallListener;

  constructor(listener: CallListener) {
    this.#listener = listener;
  }

  onAssigned(waitTimes: WaitTimes): void {
    this.#listener.onAssigned?.(waitTimes);
  }

  onMessage(kind: PayloadKind, bytes: Uint8Array): void {
    this.#listener.onMessage(kind, bytes);
  }

  onEnd(): void {
    // A call is over when its method is done, also for a caller that has not ended its side.
    this.side.end();
    this.#listener.onEnd();
  }

  onFail(kind: PayloadKind, bytes: Uint8Array): void {
    this.#listener.onFail(kind, bytes);
  }

  onAbort(error: LeverError): void {
    this.#listener.onAbort(error);
  }

  onDrain(): void {
    this.#listener.onDrain();
  }
}
