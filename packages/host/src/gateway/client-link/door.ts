import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import {
  attachLink,
  type CallRequest,
  cancelled,
  ignoredEvents,
  LeverError,
  LINK_UPGRADE,
  refuseLinkUpgrade,
} from "@leveros/protocol";
import { asLeverError } from "../../logs/as-lever-error.ts";
import { forwardCall } from "../../router/forward-call.ts";
import type { DoorOptions } from "../door-options.ts";
import { rejectConnection } from "../http/write-response.ts";

/** Calls that are open on one link at once: as many as there may be connections with one call each. */
const CALLS_MAX = 10_000;

const SWITCHING = `HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: ${LINK_UPGRADE}\r\n\r\n`;

/** An open link. */
interface ClientLink {
  /** Closes the link once no call is open on it. */
  close(): void;
}

/**
 * Links to programs outside: many calls over one connection, with the frames and the flow control of an instance's link. A
 * program opens one by an upgrade of HTTP/1.1.
 *
 * - G1. No page can open a link.
 * - G2. Each call is authorized by itself, with the headers of the upgrade and the tokens of that moment.
 * - G3. A link without open calls is closed after a time; one that breaks the protocol is closed at once.
 */
export class ClientLinks {
  readonly #options: DoorOptions;
  readonly #links = new Set<ClientLink>();
  #isClosing = false;

  constructor(options: DoorOptions) {
    this.#options = options;
  }

  /** Answers an upgrade request for a link. */
  open(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => {});
    const refusal = refuseUpgrade(request);
    if (refusal !== undefined) {
      rejectConnection(socket as Socket, refusal, this.#options.limits.headersTimeoutMs);
      return;
    }
    socket.write(SWITCHING);
    if (head.length > 0) socket.unshift(head);
    const link = serveLink(request, {
      ...this.#options,
      socket,
      onClosed: () => this.#links.delete(link),
    });
    this.#links.add(link);
    if (this.#isClosing) link.close();
  }

  /** Closes each link once its open calls have ended. */
  close(): void {
    this.#isClosing = true;
    for (const link of this.#links) link.close();
  }
}

/** G1. A page cannot ask for this upgrade, and a browser marks all that it sends by these headers. */
function refuseUpgrade({ method, url, headers }: IncomingMessage): LeverError | undefined {
  const isOfPage = Object.keys(headers).some(
    (name) => name === "origin" || name.startsWith("sec-fetch-"),
  );
  if (isOfPage) {
    return new LeverError(
      "forbidden",
      "Cannot open a link: links are for programs, not for pages. Use HTTP or WebSockets.",
    );
  }
  if (method === "GET" && url === "/") return refuseLinkUpgrade(headers.upgrade);
  return new LeverError("malformed_request", "Cannot open a link: its request is not GET /.");
}

function serveLink(
  request: IncomingMessage,
  options: DoorOptions & { readonly socket: Duplex; readonly onClosed: () => void },
): ClientLink {
  const { admission, socket, router, limits, budget, clock, log, onClosed } = options;
  let wasUsed = false;
  let isClosing = false;
  const forwarding = { target: router, isTrusted: false, log };

  /** G2. @throws LeverError */
  const authorizeCall = ({
    target: asked,
    isStream,
    timeoutMs,
    kind,
    body,
  }: CallRequest): CallRequest => {
    const environment = asked.environment.toLowerCase();
    if (environment === "") {
      throw new LeverError("malformed_request", "Cannot make the call: it names no environment.");
    }
    const target = environment === asked.environment ? asked : { ...asked, environment };
    const askedMs = timeoutMs <= limits.callTimeoutMaxMs ? timeoutMs : tooLong(timeoutMs);
    const incoming = { door: "clientLink", target, request, isStream, askedMs } as const;
    const admitted = admission.admitCall(incoming);
    wasUsed = true;
    return { ...admitted, kind, body };
  };
  const tooLong = (timeoutMs: number): LeverError =>
    new LeverError(
      "malformed_request",
      `Cannot make the call: its timeout is ${timeoutMs} ms; allowed is at most ${limits.callTimeoutMaxMs}.`,
    );

  const endWhenIdle = (): void => {
    if (!isClosing || link.callsOpen > 0) return;
    link.flush();
    socket.end(() => socket.destroy());
  };

  const link = attachLink(socket, {
    side: "host",
    messageBytesMax: limits.bodyBytesMax,
    callsMax: CALLS_MAX,
    countStored: (bytes) => budget.count(bytes),
    refuse(asked) {
      try {
        authorizeCall(asked);
        return undefined;
      } catch (error) {
        return asLeverError(error, log, "gateway");
      }
    },
    onCall(asked, side) {
      try {
        return forwardCall(authorizeCall(asked), side, forwarding);
      } catch (error) {
        side.abort(asLeverError(error, log, "gateway"));
        return ignoredEvents;
      }
    },
    onControl() {
      throw new Error("Cannot accept a control message: only instances send those.");
    },
    // The end of the last call is written at the end of this turn of the event loop.
    onIdle: () => setImmediate(endWhenIdle),
    onClose() {
      clock.clearTimeout(idleCheck);
      link.close(cancelled("connectionClosed"));
      onClosed();
    },
  });
  // G3.
  let idleCheck: unknown;
  const checkIdleLater = (): void => {
    idleCheck = clock.setTimeout(() => {
      const isUsed = link.callsOpen > 0;
      if (!isUsed && !wasUsed) {
        socket.destroy();
        return;
      }
      wasUsed = isUsed;
      checkIdleLater();
    }, limits.idleConnectionTimeoutMs);
  };
  checkIdleLater();
  // TCP finds out when a peer has gone without closing its connection.
  (socket as Socket).setKeepAlive(true, limits.idleConnectionTimeoutMs);
  return {
    close() {
      isClosing = true;
      endWhenIdle();
    },
  };
}
