import type { Clock } from "../clock.ts";

/** Whether a process answers pings over its link. Times are in milliseconds of the host's clock. */
export interface HealthState {
  /** When the ping without an answer was sent, plus the time for which the host has stalled since. */
  readonly pingedAt: number | undefined;
  /** When it last gave a sign of life. */
  readonly lastSeenAt: number;
  readonly isUnresponsive: boolean;
  /** How often in a row a ping was due and had to wait for the next check. */
  readonly pingsPutOff: number;
}

export type HealthAction = "ping" | "unresponsive" | "kill";

export interface HealthOptions {
  readonly now: number;
  /** Time since the last check for which the host itself stalled, and could not receive an answer. */
  readonly hostStallMs: number;
  readonly isBusy: boolean;
  /** It was given calls since the last check. */
  readonly hasNewCalls: boolean;
  /** It has sent something since the last check. */
  readonly hasAnswered: boolean;
  readonly unresponsiveAfterMs: number;
  readonly unresponsiveKillAfterMs: number;
}

/** A process without work is pinged less often. */
const IDLE_PING_MS = 5_000;
/** A ping of a process that answers calls waits at most for so many checks: pings measure how fast its event loop is. */
const PUT_OFF_MAX = 4;

export function healthyNow(now: number): HealthState {
  return { pingedAt: undefined, lastSeenAt: now, isUnresponsive: false, pingsPutOff: 0 };
}

/**
 * Decides what to do with a process at a tick. A process that has not answered for `unresponsiveAfterMs` is suspended, or
 * its event loop is blocked: it must get no more work until it answers. After `unresponsiveKillAfterMs` it must be killed.
 *
 * A ping waits for the next check if the process was just given a call: of a process that dies, only what was sent last is certain
 * to be unread (`Link.disconnected`).
 */
export function checkHealth(
  state: HealthState,
  options: HealthOptions,
): { state: HealthState; action: HealthAction | undefined } {
  const { now, hostStallMs, isBusy, unresponsiveAfterMs, unresponsiveKillAfterMs } = options;
  if (state.pingedAt === undefined) {
    if (!isBusy && now - state.lastSeenAt < IDLE_PING_MS) {
      return {
        state: state.pingsPutOff > 0 ? { ...state, pingsPutOff: 0 } : state,
        action: undefined,
      };
    }
    const { pingsPutOff } = state;
    if (options.hasNewCalls && pingsPutOff < (options.hasAnswered ? PUT_OFF_MAX : 1)) {
      return { state: { ...state, pingsPutOff: pingsPutOff + 1 }, action: undefined };
    }
    return { state: { ...state, pingedAt: now, pingsPutOff: 0 }, action: "ping" };
  }
  const waiting = { ...state, pingedAt: state.pingedAt + hostStallMs };
  const waitedMs = now - waiting.pingedAt;
  if (waitedMs >= unresponsiveKillAfterMs) return { state: waiting, action: "kill" };
  if (waitedMs < unresponsiveAfterMs || state.isUnresponsive)
    return { state: waiting, action: undefined };
  return { state: { ...waiting, isUnresponsive: true }, action: "unresponsive" };
}

/**
 * Calls `check` every `tickMs` until it is stopped. A tick is late when the host was suspended or busy. It then passes the
 * delay on: answers may have arrived meanwhile, but are read only after the tick.
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
    this.#scheduleNext();
  }

  stop(): void {
    this.#clock.clearTimeout(this.#timer);
  }

  #scheduleNext(): void {
    this.#dueAt = this.#clock.now() + this.#tickMs;
    this.#timer = this.#clock.setTimeout(() => {
      const hostStallMs = Math.max(0, this.#clock.now() - this.#dueAt);
      this.#scheduleNext();
      this.#check(hostStallMs);
    }, this.#tickMs);
  }
}
