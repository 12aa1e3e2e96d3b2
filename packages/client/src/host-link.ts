import type * as http from "node:http";
import type { Socket } from "node:net";
import {
  attachLink,
  type CallHandle,
  type CallListener,
  type CallOpening,
  type CallTarget,
  ignoredEvents,
  LeverError,
  LINK_UPGRADE,
  type Link,
  type Payload,
} from "@leveros/protocol";
import { DEADLINE_GRACE_MS, tooLate } from "./deadline.ts";
import { formatHttpAddress, type HttpAddress } from "./http-address.ts";
import { requestTo } from "./http-request.ts";
import { invokeOver } from "./outgoing-call.ts";
import { PendingCall } from "./pending-call.ts";
import type { InvokeOptions } from "./transport.ts";

/** Without a call; shorter than hosts keep idle links, so that a call seldom meets one that is just being closed. */
const IDLE_MS = 30_000;
/** For the answer to the request for a link: what lets it wait longer is no host. */
const ANSWER_TIMEOUT_MS = 10_000;
/** An address that gives no link is asked again after this time. */
const REFUSED_MS = 60_000;
/** After this time of silence the system sees to it that the host is still there. */
const KEEP_ALIVE_MS = 15_000;

/** Regular calls on one link: further ones wait in this process instead of being refused by the host. */
const CALLS_MAX = 1_000;

export interface HostLinkOptions {
  readonly token: string | undefined;
  readonly messageBytesMax: number;
}

/** Links belong to the process, and all clients share them. A promise of undefined = none is to be had. */
const links = new Map<string, HostLink | Promise<HostLink | undefined>>();
/** Where a regular call has been lately, and there is no link. */
const called = new Set<string>();

/**
 * The link to a host, which is opened when there is none. Resolves with undefined where something answers that gives no
 * link, such as a proxy, and rejects with what Node says where nothing does.
 */
export function linkTo(
  address: HttpAddress,
  options: HostLinkOptions,
): HostLink | Promise<HostLink | undefined> {
  const key = keyOf(address, options);
  const known = links.get(key);
  if (known !== undefined) return known;
  const forget = (): void => void links.delete(key);
  const opening = openLink(address, { ...options, onGone: forget });
  links.set(key, opening);
  opening.then((link) => {
    if (link === undefined) setTimeout(forget, REFUSED_MS).unref();
    else if (!link.isGone) links.set(key, link);
  }, forget);
  return opening;
}

/**
 * The link for a regular call, where there is one. A single call is sooner there by itself than after an upgrade; where
 * another one follows, a link is opened for those that come after it.
 */
export function linkAtHand(address: HttpAddress, options: HostLinkOptions): HostLink | undefined {
  const key = keyOf(address, options);
  const known = links.get(key);
  if (known instanceof HostLink) return known;
  if (known !== undefined) return undefined;
  if (called.delete(key)) {
    linkTo(address, options);
  } else {
    called.add(key);
    setTimeout(() => called.delete(key), IDLE_MS).unref();
  }
  return undefined;
}

function keyOf(
  { isSecure, host, port }: HttpAddress,
  { token, messageBytesMax }: HostLinkOptions,
): string {
  return `${isSecure} ${host} ${port} ${messageBytesMax} ${token ?? ""}`;
}

function openLink(
  address: HttpAddress,
  options: HostLinkOptions & { onGone: () => void },
): Promise<HostLink | undefined> {
  const headers: http.OutgoingHttpHeaders = { connection: "Upgrade", upgrade: LINK_UPGRADE };
  if (options.token !== undefined) headers["authorization"] = `Bearer ${options.token}`;
  const request = requestTo(address, {
    path: "/",
    headers,
    agent: false,
    timeout: ANSWER_TIMEOUT_MS,
  });
  return new Promise((resolve, reject) => {
    const refused = (): void => {
      resolve(undefined);
      request.destroy();
    };
    request.on("upgrade", ({ headers: { upgrade } }, socket, head) => {
      if (upgrade !== LINK_UPGRADE) {
        refused();
        return;
      }
      if (head.length > 0) socket.unshift(head);
      resolve(new HostLink(socket as Socket, { ...options, address }));
    });
    request.on("response", refused);
    request.on("timeout", refused);
    request.on("error", (error: NodeJS.ErrnoException) => {
      // Whoever took the request and hangs up may still let a WebSocket through.
      if (error.code === "ECONNRESET" && error.syscall !== "connect") refused();
      else reject(error);
    });
    request.end();
  });
}

/** The client's end of a link to a host. It keeps the process alive as long as a call is open on it, and no longer. */
export class HostLink implements CallTarget {
  readonly #socket: Socket;
  readonly #link: Link;
  /** Regular calls, and those that wait for their turn. */
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
      side: "instance",
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
        this.#link.close(lost(address, reason));
      },
    });
  }

  open(opening: CallOpening, events: CallListener, hasMore: boolean): CallHandle {
    this.#socket.ref();
    return this.#link.open(opening, events, hasMore);
  }

  /** Makes a regular call. @throws LeverError as `Transport.invoke` */
  invoke(opening: CallOpening, { timeoutMs, signal }: InvokeOptions): Promise<Payload> {
    if (timeoutMs === 0) return this.#invoke(opening, [signal]);
    const late = new AbortController();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(tooLate(timeoutMs));
        late.abort();
      }, timeoutMs + DEADLINE_GRACE_MS);
      this.#invoke(opening, [signal, late.signal])
        .then(resolve, reject)
        .finally(() => clearTimeout(timer));
    });
  }

  async #invoke(
    opening: CallOpening,
    signals: readonly (AbortSignal | undefined)[],
  ): Promise<Payload> {
    let turn: (() => void) | undefined;
    const inTurn: CallTarget = {
      open: (_opening, events, hasMore) => {
        const call = new PendingCall(events);
        turn = () => call.begin(() => this.open(opening, events, hasMore));
        this.#waiting.add(turn);
        return call;
      },
    };
    const isFull = this.#callsOpen >= CALLS_MAX;
    if (!isFull) this.#callsOpen++;
    try {
      return await invokeOver(isFull ? inTurn : this, opening, { signals });
    } finally {
      // Who has left before its turn has none to give on.
      if (turn === undefined || !this.#waiting.delete(turn)) this.#giveTurn();
    }
  }

  #giveTurn(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#callsOpen--;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}

function lost(address: HttpAddress, reason: unknown): LeverError {
  const code = reason instanceof Error && "code" in reason ? ` (${reason.code})` : "";
  return new LeverError(
    "unreachable",
    `Cannot go on with the call: the connection to ${formatHttpAddress(address)} broke${code}. The method may have run.`,
    { cause: reason },
  );
}
