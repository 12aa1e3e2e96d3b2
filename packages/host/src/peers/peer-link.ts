import type { TLSSocket } from "node:tls";
import {
  attachLink,
  type CallHandle,
  type CallListener,
  type CallRequest,
  LeverError,
  type Limits,
  type Link,
  type LinkedSide,
} from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import { checkHealth, type HealthState, healthyNow } from "../processes/process-health.ts";
import { type PeerMessage, parsePeerMessage } from "./peer-messages.ts";

/** Calls of the other host that are open at once. */
const CALLS_MAX = 10_000;
/** Time between the checks of a link. */
export const PEER_CHECK_MS = 200;
/** A host that has not answered a ping for this long gets no more calls: a second after its last answer at the latest. */
const UNRESPONSIVE_AFTER_MS = 500;
/** Longer than a host may be paused without losing its lease. */
const BROKEN_AFTER_MS = 10_000;

export interface PeerLinkOptions {
  readonly socket: TLSSocket;
  readonly isDialler: boolean;
  /** The name of the other host. */
  readonly name: string;
  readonly limits: Pick<Limits, "bodyBytesMax">;
  readonly clock: Clock;
  onCall(request: CallRequest, side: LinkedSide): CallListener;
  /** The other side declines a call. */
  onMessage(message: PeerMessage, listenerOf: (call: number) => CallListener | undefined): void;
  /** The other host has taken the link. */
  onLinked(): void;
  /** It answers again, or has stopped answering. */
  onResponsive(isResponsive: boolean): void;
  onClosed(reason: string): void;
}

/**
 * The link to another host: calls in both directions.
 *
 * - X1. When it breaks, calls whose opening was not written go elsewhere, and the others fail with the name of the host.
 * - X2. A host that does not answer gets no more calls within a second.
 */
export class PeerLink {
  readonly #link: Link;
  readonly #socket: TLSSocket;
  readonly #options: PeerLinkOptions;
  #health: HealthState;
  #isLinked = false;
  #closeReason: string | undefined;

  constructor(options: PeerLinkOptions) {
    const { socket, isDialler, name, limits, clock } = options;
    this.#options = options;
    this.#socket = socket;
    this.#health = healthyNow(clock.now());
    this.#link = attachLink(socket, {
      side: isDialler ? "dialler" : "listener",
      messageBytesMax: limits.bodyBytesMax,
      callsMax: CALLS_MAX,
      onCall: (request, side) => options.onCall(request, side),
      onControl: (message) =>
        options.onMessage(parsePeerMessage(message), (call) => this.#link.listenerOf(call)),
      onClose: (error) => {
        const reason = this.#closeReason ?? error?.message ?? "it closed the connection";
        this.#link.close(
          new LeverError(
            "instance_failed",
            `Cannot finish the call: the connection to the host ${name}, which had it, has broken (${reason}). It may have run.`,
          ),
        );
        options.onClosed(reason);
      },
    });
    // A host that does not know the certificate of this one closes the connection after the handshake.
    this.#link.ping(() => {
      this.#isLinked = true;
      options.onLinked();
    });
  }

  /** It has answered at least once. */
  get isLinked(): boolean {
    return this.#isLinked;
  }

  /** It gets calls. */
  get isResponsive(): boolean {
    return this.#isLinked && !this.#health.isUnresponsive;
  }

  open(request: CallRequest, listener: CallListener, hasMore: boolean): CallHandle {
    return this.#link.open(request, listener, hasMore);
  }

  send(message: PeerMessage): void {
    this.#link.control(message);
  }

  /** X2. Must be called every `PEER_CHECK_MS`. */
  check(hostStallMs: number): void {
    const { state, action } = checkHealth(this.#health, {
      now: this.#options.clock.now(),
      hostStallMs,
      isBusy: true,
      hasNewCalls: false,
      hasAnswered: false,
      unresponsiveAfterMs: UNRESPONSIVE_AFTER_MS,
      unresponsiveKillAfterMs: BROKEN_AFTER_MS,
    });
    this.#health = state;
    if (action === "ping") this.#link.ping(() => this.#onPong());
    else if (action === "unresponsive") this.#options.onResponsive(false);
    else if (action === "kill") this.close(`it has not answered for ${BROKEN_AFTER_MS / 1_000} s`);
  }

  /** Its calls fail with the reason. May be called twice. */
  close(reason: string): void {
    this.#closeReason ??= reason;
    this.#link.flush();
    this.#socket.destroy();
  }

  #onPong(): void {
    const { isUnresponsive } = this.#health;
    this.#health = healthyNow(this.#options.clock.now());
    if (isUnresponsive) this.#options.onResponsive(true);
  }
}
