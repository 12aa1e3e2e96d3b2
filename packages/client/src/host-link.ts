import type { Socket } from "node:net";
import {
  attachLink,
  type CallHandle,
  type CallListener,
  type CallRequest,
  type CallTarget,
  ignoredEvents,
  LeverError,
  type Link,
  type Payload,
} from "@leveros/protocol";
import { DEADLINE_GRACE_MS, deadlineExceeded } from "./deadline.ts";
import { formatHttpAddress, type HttpAddress } from "./http-address.ts";
import { requestLink } from "./link-request.ts";
import { invokeOver } from "./outgoing-call.ts";
import { PendingCall } from "./pending-call.ts";
import type { InvokeOptions } from "./transport.ts";

/** Idle time before a link is closed: shorter than that of hosts, so that a call rarely uses a link being closed. */
const IDLE_MS = 30_000;
/** After this time an address that refused a link is tried again. */
const RETRY_AFTER_MS = 60_000;
/** After this time without traffic the operating system checks that the host is reachable. */
const KEEP_ALIVE_MS = 15_000;

/** Regular calls at once on one link. Further ones wait in this process, because the host would refuse them. */
const CALLS_MAX = 1_000;

export interface HostLinkOptions {
  readonly token: string | undefined;
  readonly messageBytesMax: number;
}

/** The links of this process, shared by all clients. A promise of undefined = the address refused a link. */
const links = new Map<string, HostLink | Promise<HostLink | undefined>>();
/** Addresses of recent regular calls that have no link. */
const recentlyCalled = new Set<string>();

/**
 * The link to a host, opened on first use. Resolves with undefined when the address refuses a link, as some proxies do.
 * Rejects with Node's error when the connection fails.
 */
export function linkTo(
  address: HttpAddress,
  options: HostLinkOptions,
): HostLink | Promise<HostLink | undefined> {
  const key = keyOf(address, options);
  const known = links.get(key);
  if (known !== undefined) return known;
  const forget = (): void => void links.delete(key);
  const request = openLink(address, { ...options, onGone: forget });
  links.set(key, request);
  request.then((link) => {
    if (link === undefined) setTimeout(forget, RETRY_AFTER_MS).unref();
    else if (!link.isGone) links.set(key, link);
  }, forget);
  return request;
}

/**
 * The link for a regular call, if one is open. A single call is faster over HTTP than after an upgrade, so the second one
 * opens a link for those that follow.
 */
export function openLinkTo(address: HttpAddress, options: HostLinkOptions): HostLink | undefined {
  const key = keyOf(address, options);
  const known = links.get(key);
  if (known instanceof HostLink) return known;
  if (known !== undefined) return undefined;
  if (recentlyCalled.delete(key)) {
    linkTo(address, options);
  } else {
    recentlyCalled.add(key);
    setTimeout(() => recentlyCalled.delete(key), IDLE_MS).unref();
  }
  return undefined;
}

function keyOf(
  { isSecure, host, port }: HttpAddress,
  { token, messageBytesMax }: HostLinkOptions,
): string {
  return `${isSecure} ${host} ${port} ${messageBytesMax} ${token ?? ""}`;
}

async function openLink(
  address: HttpAddress,
  options: HostLinkOptions & { onGone: () => void },
): Promise<HostLink | undefined> {
  const socket = await requestLink(address, options.token);
  return socket && new HostLink(socket, { ...options, address });
}

/** The client's end of a link to a host. It keeps the process alive only while a call is open. */
export class HostLink implements CallTarget {
  readonly #socket: Socket;
  readonly #link: Link;
  /** Open regular calls, without those in `#waiting`. */
  #callsOpen = 0;
  readonly #waiting = new Set<() => void>();
  isGone = false;

  constructor(
    socket: Socket,
    options: HostLinkOptions & { address: HttpAddress; onGone: () => void },
  ) {
    const { address, messageBytesMax, onGone } = options;
    this.#socket = socket;
    socket.setTimeout(0).setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS).unref();
    const forget = (): void => {
      if (!this.isGone) onGone();
      this.isGone = true;
    };
    const idle = setTimeout(() => {
      if (this.#link.callsOpen > 0) return;
      forget();
      socket.destroy();
    }, IDLE_MS).unref();
    this.#link = attachLink(socket, {
      side: "dialler",
      messageBytesMax,
      callsMax: 0,
      onCall: () => ignoredEvents,
      onControl() {},
      onIdle() {
        socket.unref();
        idle.refresh();
      },
      onClose: (reason) => {
        clearTimeout(idle);
        forget();
        this.#link.close(connectionLost(address, reason));
      },
    });
  }

  open(request: CallRequest, events: CallListener, hasMore: boolean): CallHandle {
    this.#socket.ref();
    return this.#link.open(request, events, hasMore);
  }

  /** Makes a regular call. @throws LeverError as `Transport.invoke` */
  invoke(request: CallRequest, { timeoutMs, signal }: InvokeOptions): Promise<Payload> {
    if (timeoutMs === 0) return this.#invoke(request, [signal]);
    const deadline = new AbortController();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(deadlineExceeded(timeoutMs));
        deadline.abort();
      }, timeoutMs + DEADLINE_GRACE_MS);
      this.#invoke(request, [signal, deadline.signal])
        .then(resolve, reject)
        .finally(() => clearTimeout(timer));
    });
  }

  async #invoke(
    request: CallRequest,
    signals: readonly (AbortSignal | undefined)[],
  ): Promise<Payload> {
    let start: (() => void) | undefined;
    const queue: CallTarget = {
      open: (_opening, events, hasMore) => {
        const call = new PendingCall(events);
        start = () => call.begin(() => this.open(request, events, hasMore));
        this.#waiting.add(start);
        return call;
      },
    };
    const isFull = this.#callsOpen >= CALLS_MAX;
    if (!isFull) this.#callsOpen++;
    try {
      return await invokeOver(isFull ? queue : this, request, { signals });
    } finally {
      // A call that was cancelled while it waited has no slot to pass on.
      if (start === undefined || !this.#waiting.delete(start)) this.#startNext();
    }
  }

  /** A call is over: its slot goes to the next waiting one. */
  #startNext(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#callsOpen--;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}

function connectionLost(address: HttpAddress, reason: unknown): LeverError {
  const code = reason instanceof Error && "code" in reason ? ` (${reason.code})` : "";
  return new LeverError(
    "unreachable",
    `Cannot continue the call: the connection to ${formatHttpAddress(address)} broke${code}. The method may have run.`,
    { cause: reason },
  );
}
