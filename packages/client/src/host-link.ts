import type * as http from "node:http";
import type { Socket } from "node:net";
import {
  attachLink,
  type CallEvents,
  type Callee,
  type CallOpening,
  type CallSide,
  LeverError,
  LINK_UPGRADE,
  type Link,
  noEvents,
} from "@leveros/protocol";
import { formatHttpAddress, type HttpAddress } from "./http-address.ts";
import { requestTo } from "./http-request.ts";

/** Without a call; shorter than hosts keep idle links, so that a call seldom meets one that is just being closed. */
const IDLE_MS = 30_000;
/** For the answer to the request for a link: what lets it wait longer is no host. */
const ANSWER_TIMEOUT_MS = 10_000;
/** An address that gives no link is asked again after this time. */
const REFUSED_MS = 60_000;
/** After this time of silence the system sees to it that the host is still there. */
const KEEP_ALIVE_MS = 15_000;

export interface HostLinkOptions {
  readonly token: string | undefined;
  readonly messageBytesMax: number;
}

/** Links belong to the process, and all clients share them. A promise of undefined = none is to be had. */
const links = new Map<string, HostLink | Promise<HostLink | undefined>>();

/**
 * The link to a host, which is opened when there is none. Resolves with undefined where something answers that gives no
 * link, such as a proxy, and rejects with what Node says where nothing does.
 */
export function linkTo(
  address: HttpAddress,
  options: HostLinkOptions,
): HostLink | Promise<HostLink | undefined> {
  const { isSecure, host, port } = address;
  const key = JSON.stringify([isSecure, host, port, options.token, options.messageBytesMax]);
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
export class HostLink implements Callee {
  readonly #socket: Socket;
  readonly #link: Link;
  isGone = false;

  constructor(
    socket: Socket,
    options: HostLinkOptions & { address: HttpAddress; onGone: () => void },
  ) {
    const { address, messageBytesMax, onGone } = options;
    this.#socket = socket;
    socket.setTimeout(0).setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS);
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
      onCall: () => noEvents,
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

  open(opening: CallOpening, events: CallEvents, hasMore: boolean): CallSide {
    this.#socket.ref();
    return this.#link.open(opening, events, hasMore);
  }
}

function lost(address: HttpAddress, reason: unknown): LeverError {
  const code = reason instanceof Error && "code" in reason ? ` (${reason.code})` : "";
  return new LeverError(
    "unreachable",
    `Cannot go on with the call: the connection to ${formatHttpAddress(address)} broke${code}.`,
    { cause: reason },
  );
}
