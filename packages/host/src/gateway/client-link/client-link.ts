import type { Duplex } from "node:stream";
import {
  attachLink,
  type CallRequest,
  cancelled,
  environmentName,
  environmentOf,
  ignoredEvents,
  LeverError,
  type Link,
} from "@leveros/protocol";
import { asLeverError } from "../../logs/as-lever-error.ts";
import { nextCallNumber } from "../../router/call-numbers.ts";
import { forwardCall } from "../../router/forward-call.ts";
import type { AccessRequest } from "../admission/admit-call.ts";
import type { HeldConnection } from "../connections.ts";
import type { DoorOptions } from "../door-options.ts";
import { tooManyReplies } from "../unread-replies.ts";

/** Calls that are open on one link at once: as many as there may be connections with one call each. */
const CALLS_MAX = 10_000;

interface ClientLinkOptions extends DoorOptions {
  readonly socket: Duplex;
  /** The upgrade request that opened the link. */
  readonly request: AccessRequest;
  readonly onClosed: () => void;
}

/** One open link: admits each of its calls, and passes it on to the router. It keeps G2 and G3 of `ClientLinks`. */
export class ClientLink implements HeldConnection {
  readonly #options: ClientLinkOptions;
  readonly #link: Link;
  /** Bytes of replies that wait until the client reads. */
  #unsentBytes = 0;
  readonly #unsent = (): number => this.#unsentBytes + this.#options.socket.writableLength;
  #wasUsed = false;
  #isClosing = false;
  #idleCheck: unknown;
  #lastCallAt: number;

  constructor(options: ClientLinkOptions) {
    const { socket, router, limits, budget, clock, log, onClosed } = options;
    const forwarding = { target: router, isTrusted: false, log };
    this.#options = options;
    this.#lastCallAt = clock.now();
    this.#checkIdleLater();
    this.#link = attachLink(socket, {
      side: "listener",
      messageBytesMax: limits.bodyBytesMax,
      callsMax: CALLS_MAX,
      countArrived: (bytes) => budget.count(bytes),
      countUnsent: (bytes) => this.#countUnsent(bytes),
      refuse: (asked) => {
        try {
          return router.refusal(this.#admit(asked));
        } catch (error) {
          return asLeverError(error, log, "gateway");
        }
      },
      onCall: (asked, side) => {
        try {
          return forwardCall(this.#admit(asked), side, forwarding);
        } catch (error) {
          side.abort(asLeverError(error, log, "gateway"));
          return ignoredEvents;
        }
      },
      onControl() {
        throw new Error("Cannot accept a control message: only instances send those.");
      },
      // The end of the last call is written at the end of this turn of the event loop.
      onIdle: () => {
        this.#lastCallAt = clock.now();
        setImmediate(() => this.#endWhenIdle());
      },
      onClose: () => {
        clock.clearTimeout(this.#idleCheck);
        this.#link.close(cancelled("connectionClosed"));
        onClosed();
      },
    });
  }

  get idleSince(): number | undefined {
    return this.#link.callsOpen > 0 || this.#isClosing ? undefined : this.#lastCallAt;
  }

  /** Closes the link once no call is open on it. */
  close(): void {
    this.#isClosing = true;
    this.#endWhenIdle();
  }

  /** The replies of all calls count as those of one connection. Returns why there may be no more of them. */
  #countUnsent(bytes: number): LeverError | undefined {
    const { replies, socket } = this.#options;
    if (bytes > 0 && !replies.hasMemoryFor(bytes)) return tooManyReplies();
    this.#unsentBytes += bytes;
    if (bytes > 0) replies.hold(socket, this.#unsent);
    return undefined;
  }

  /** G2. @throws LeverError */
  #admit({ target: asked, isStream, timeoutMs, kind, body }: CallRequest): CallRequest {
    const { admission, limits, request } = this.#options;
    const environment = environmentOf(environmentName(asked.environment));
    if (environment === "") {
      throw new LeverError("malformed_request", "Cannot make the call: it names no environment.");
    }
    const target = environment === asked.environment ? asked : { ...asked, environment };
    const { callTimeoutMaxMs } = limits;
    const askedMs =
      timeoutMs <= callTimeoutMaxMs ? timeoutMs : tooLong(timeoutMs, callTimeoutMaxMs);
    const incoming = { door: "clientLink", target, request, isStream, askedMs } as const;
    const admitted = admission.admitCall(incoming);
    this.#wasUsed = true;
    return { ...admitted, kind, body, number: nextCallNumber() };
  }

  #endWhenIdle(): void {
    if (!this.#isClosing || this.#link.callsOpen > 0) return;
    const { socket } = this.#options;
    this.#link.flush();
    socket.end(() => socket.destroy());
  }

  /** G3. */
  #checkIdleLater(): void {
    const { clock, limits, socket } = this.#options;
    this.#idleCheck = clock.setTimeout(() => {
      const isUsed = this.#link.callsOpen > 0;
      if (!isUsed && !this.#wasUsed) {
        socket.destroy();
        return;
      }
      this.#wasUsed = isUsed;
      this.#checkIdleLater();
    }, limits.idleConnectionTimeoutMs);
  }
}

function tooLong(timeoutMs: number, timeoutMaxMs: number): LeverError {
  return new LeverError(
    "malformed_request",
    `Cannot make the call: its timeout is ${timeoutMs} ms; allowed is at most ${timeoutMaxMs}.`,
  );
}
