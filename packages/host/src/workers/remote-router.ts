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
import type { EnvironmentAccess } from "../router/environment-access.ts";
import { type CallTable, findService } from "../router/find-service.ts";
import type { LiveVersion } from "../router/live-version.ts";
import { Sites, siteOf } from "../router/sites.ts";

interface RemoteService {
  readonly live: LiveVersion;
}

interface RemoteEnvironment {
  access: EnvironmentAccess;
  readonly services: Map<string, RemoteService>;
}

/**
 * The way from a worker to the host's router: calls over the link, and a copy of the host's routing table. By it, a worker
 * refuses a call before it reads the body.
 */
export class RemoteRouter implements CallRouter, CallTable<RemoteService> {
  readonly #link: Pick<Link, "open">;
  readonly sites: Sites = new Sites();
  readonly #environments = new Map<string, RemoteEnvironment>();
  #isClosing = false;

  constructor(link: Pick<Link, "open">) {
    this.#link = link;
  }

  get isClosing(): boolean {
    return this.#isClosing;
  }

  environment(name: string): RemoteEnvironment | undefined {
    return this.#environments.get(name);
  }

  /** undefined = the environment was removed, with its services. */
  setEnvironment(name: string, access: EnvironmentAccess | undefined): void {
    const known = this.#environments.get(name);
    if (access === undefined) {
      for (const service of known?.services.keys() ?? []) this.sites.set(name, service, undefined);
      this.#environments.delete(name);
    } else if (known === undefined) {
      this.#environments.set(name, { access, services: new Map() });
    } else known.access = access;
  }

  /** undefined = the service was removed. */
  setService(environment: string, service: string, live: LiveVersion | undefined): void {
    const services = this.#environments.get(environment)?.services;
    this.sites.set(environment, service, live && siteOf(live));
    if (live === undefined) services?.delete(service);
    else services?.set(service, { live });
  }

  /** The host is stopping: calls are refused. */
  close(): void {
    this.#isClosing = true;
  }

  refusal(call: CallHead): LeverError | undefined {
    const service = findService(call, this);
    return service instanceof LeverError ? service : undefined;
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
