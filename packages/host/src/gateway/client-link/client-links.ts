import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import {
  attachLink,
  type CallOpening,
  ignoredEvents,
  LeverError,
  LINK_UPGRADE,
} from "@leveros/protocol";
import { bridgeCall } from "../../router/bridge-call.ts";
import type { Caller } from "../../router/router.ts";
import { asLeverError } from "../as-lever-error.ts";
import type { DoorOptions } from "../door-options.ts";
import { rejectConnection } from "../http/respond.ts";

/** On one connection: as many calls as there may be connections with one call each. */
const CALLS_MAX = 10_000;

const SWITCHING = `HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: ${LINK_UPGRADE}\r\n\r\n`;

/** One link, which is left by itself once it is told to close and no call is open on it. */
interface CallerLink {
  close(): void;
}

/**
 * Links that programs outside get by an upgrade of HTTP/1.1: many calls over one connection, with the frames and the
 * flow control that instances have.
 *
 * - G1. No page comes in this way.
 * - G2. Who calls is decided anew for each call, by the upgrade's headers and what they allow at that moment.
 * - G3. A link on which no call is open is closed after a time; one that breaks the protocol, at once.
 */
export class ClientLinks {
  readonly #options: DoorOptions;
  readonly #links = new Set<CallerLink>();
  #isClosing = false;

  constructor(options: DoorOptions) {
    this.#options = options;
  }

  /** Answers an upgrade request that asks for a link. */
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

  /** Calls that are under way finish; then, or at once, their links end. */
  close(): void {
    this.#isClosing = true;
    for (const link of this.#links) link.close();
  }
}

/** G1. Nothing that runs in a page can ask for this upgrade; and what a browser does ask for says so. */
function refuseUpgrade({ method, url, headers }: IncomingMessage): LeverError | undefined {
  const isOfPage = Object.keys(headers).some(
    (name) => name === "origin" || name.startsWith("sec-fetch-"),
  );
  if (isOfPage) return new LeverError("forbidden", "Pages get no link: they call otherwise.");
  if (method === "GET" && url === "/") return undefined;
  return new LeverError("malformed_request", "Cannot open a link: ask for it by GET /.");
}

function serveLink(
  request: IncomingMessage,
  options: DoorOptions & { socket: Duplex; onClosed: () => void },
): CallerLink {
  const { admission, socket, router, limits, bodies, log, onClosed } = options;
  let wasUsed = false;
  let isClosing = false;

  /** G2. @throws LeverError */
  const authorizeCall = (asked: CallOpening): { opening: CallOpening; caller: Caller } => {
    const environment = asked.environment.toLowerCase();
    if (environment === "") {
      throw new LeverError("malformed_request", "Cannot make the call: it names no environment.");
    }
    const opening = environment === asked.environment ? asked : { ...asked, environment };
    const { caller } = admission.admitCall({
      door: "clientLink",
      target: opening,
      request,
      isStream: opening.isStream,
      askedMs: opening.timeoutMs <= limits.callTimeoutMaxMs ? opening.timeoutMs : tooLong(opening),
    });
    wasUsed = true;
    return { opening, caller };
  };
  const tooLong = ({ timeoutMs }: CallOpening): LeverError =>
    new LeverError(
      "malformed_request",
      `Cannot make the call: its time is ${timeoutMs} ms; allowed is at most ${limits.callTimeoutMaxMs}.`,
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
    hold(bytes) {
      bodies.bytes += bytes;
      return bodies.bytes <= limits.bufferedBodyBytesMax;
    },
    refuse(opening) {
      try {
        authorizeCall(opening);
        return undefined;
      } catch (error) {
        return asLeverError(error, log);
      }
    },
    onCall(asked, side) {
      try {
        const { opening, caller } = authorizeCall(asked);
        return bridgeCall(router, caller, { opening, side, timeoutMs: limits.callTimeoutMs });
      } catch (error) {
        side.abort(asLeverError(error, log));
        return ignoredEvents;
      }
    },
    onControl() {
      throw new Error("Cannot take a control message: those are for instances.");
    },
    // What the last call has said is written at the end of this turn.
    onIdle: () => setImmediate(endWhenIdle),
    onClose() {
      clearInterval(idleCheck);
      link.close(new LeverError("cancelled", "The caller closed its connection."));
      onClosed();
    },
  });
  // G3.
  const idleCheck = setInterval(() => {
    const isUsed = link.callsOpen > 0;
    if (!isUsed && !wasUsed) socket.destroy();
    wasUsed = isUsed;
  }, limits.idleConnectionTimeoutMs);
  // Of a caller that has gone without a word, the system hears.
  (socket as Socket).setKeepAlive(true, limits.idleConnectionTimeoutMs);
  return {
    close() {
      isClosing = true;
      endWhenIdle();
    },
  };
}
