import type { Clock } from "../clock.ts";

/** What is known of whether a process answers its link. Times are in milliseconds of the host's clock. */
export interface HealthState {
  /** When the ping was sent that has no answer yet; later by as long as the host itself has stood still since. */
  readonly askedAt: number | undefined;
  /** When it was last heard of. */
  readonly lastSeenAt: number;
  readonly isUnresponsive: boolean;
}

export type HealthAction = "ping" | "unresponsive" | "kill";

export interface HealthOptions {
  readonly now: number;
  /** Time since the last check in which the host itself stood still, and could not have heard an answer. */
  readonly hostStallMs: number;
  readonly isBusy: boolean;
  readonly unresponsiveAfterMs: number;
  readonly unresponsiveKillAfterMs: number;
}

/** One that nobody waits for is asked less often. */
const IDLE_PING_MS = 5_000;

export function healthyNow(now: number): HealthState {
  return { askedAt: undefined, lastSeenAt: now, isUnresponsive: false };
}

/**
 * What to do about a process at a tick. One that has not answered its link for `unresponsiveAfterMs` is stopped, or its event
 * loop is blocked: it is to get no more work until it answers. After `unresponsiveKillAfterMs` it is given up.
 */
export function checkHealth(
  state: HealthState,
  options: HealthOptions,
): { state: HealthState; action: HealthAction | undefined } {
  const { now, hostStallMs, isBusy, unresponsiveAfterMs, unresponsiveKillAfterMs } = options;
  if (state.askedAt === undefined) {
    if (!isBusy && now - state.lastSeenAt < IDLE_PING_MS) return { state, action: undefined };
    return { state: { ...state, askedAt: now }, action: "ping" };
  }
  const asked = { ...state, askedAt: state.askedAt + hostStallMs };
  const waitedMs = now - asked.askedAt;
  if (waitedMs >= unresponsiveKillAfterMs) return { state: asked, action: "kill" };
  if (waitedMs < unresponsiveAfterMs || state.isUnresponsive)
    return { state: asked, action: undefined };
  return { state: { ...asked, isUnresponsive: true }, action: "unresponsive" };
}

/**
 * Has health checked every `tickMs` until it is stopped. A tick that comes late, since the host was stopped or busy, tells
 * by how much: answers may have come meanwhile, and are read only after it.
 */
export class HealthTicker {
  readonly #clock: Clock;
  readonly #tickMs: number;
  readonly #check: (hostStallMs: number) => void;
  #dueAt = 0;
  #timer: unknown;

  constructor(clock: Clock, tickMs: number, check: (hostStallMs: number) => void) {
    this.#clock = clock;
    this.#tickMs = tickMs;
    this.#check = check;
    this.#await();
  }

  stop(): void {
    this.#clock.clearTimeout(this.#timer);
  }

  #await(): void {
    this.#dueAt = this.#clock.now() + this.#tickMs;
    this.#timer = this.#clock.setTimeout(() => {
      const hostStallMs = Math.max(0, this.#clock.now() - this.#dueAt);
      this.#await();
      this.#check(hostStallMs);
    }, this.#tickMs);
  }
}
