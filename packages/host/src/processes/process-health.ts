import type { Clock } from "../clock.ts";

/** What is known of whether a process answers its link. Times are in milliseconds of the host's clock. */
export interface HealthState {
  /** When the ping was sent that has no answer yet; later by as long as the host itself has stood still since. */
  readonly askedAt: number | undefined;
  /** When it was last heard of. */
  readonly heardAt: number;
  readonly isSilent: boolean;
}

export type HealthAction = "ping" | "silent" | "kill";

export interface HealthOptions {
  readonly now: number;
  /** Time since the last check in which the host itself stood still, and could not have heard an answer. */
  readonly pausedMs: number;
  readonly isBusy: boolean;
  readonly silentAfterMs: number;
  readonly silentKillMs: number;
}

/** One that nobody waits for is asked less often. */
const IDLE_PING_MS = 5_000;

export function healthyNow(now: number): HealthState {
  return { askedAt: undefined, heardAt: now, isSilent: false };
}

/**
 * What to do about a process at a tick. One that has not answered its link for `silentAfterMs` is stopped, or its event
 * loop is blocked: it is to get no more work until it answers. After `silentKillMs` it is given up.
 */
export function checkHealth(
  state: HealthState,
  options: HealthOptions,
): { state: HealthState; action: HealthAction | undefined } {
  const { now, pausedMs, isBusy, silentAfterMs, silentKillMs } = options;
  if (state.askedAt === undefined) {
    if (!isBusy && now - state.heardAt < IDLE_PING_MS) return { state, action: undefined };
    return { state: { ...state, askedAt: now }, action: "ping" };
  }
  const asked = { ...state, askedAt: state.askedAt + pausedMs };
  const waitedMs = now - asked.askedAt;
  if (waitedMs >= silentKillMs) return { state: asked, action: "kill" };
  if (waitedMs < silentAfterMs || state.isSilent) return { state: asked, action: undefined };
  return { state: { ...asked, isSilent: true }, action: "silent" };
}

/**
 * Has health checked every `tickMs` until it is stopped. A tick that comes late, since the host was stopped or busy, tells
 * by how much: answers may have come meanwhile, and are read only after it.
 */
export class HealthTicker {
  readonly #clock: Clock;
  readonly #tickMs: number;
  readonly #check: (pausedMs: number) => void;
  #dueAt = 0;
  #timer: unknown;

  constructor(clock: Clock, tickMs: number, check: (pausedMs: number) => void) {
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
      const pausedMs = Math.max(0, this.#clock.now() - this.#dueAt);
      this.#await();
      this.#check(pausedMs);
    }, this.#tickMs);
  }
}
