import { processMs } from "../process-clock.ts";

// Provided by Node, the only platform that runs a link over a socket.
declare function setImmediate(task: () => void): unknown;

/** Busy-waits when the next event is expected sooner than this. */
const SOON_MS = 0.25;
/** Duration of one busy-wait: several times what a process needs to wake up on a halted processor. */
const BUSY_WAIT_MS = 0.3;
/** Longer pauses count as this long, so that a few calls after a pause are enough to measure the rate again. */
const GAP_MS_MAX = 1;
/** Weight of the newest gap in the moving average. */
const WEIGHT = 1 / 8;
/** With more open calls the process has work to do, and throughput matters more than latency. */
const CALLS_MAX = 2;
/**
 * After more open calls than that, nothing is busy-waited for during this time. Many callers send their next call at any
 * time, and a process that waits for it takes the processor from those that do the work.
 */
const CROWDED_MS = 100;

/**
 * Decides when a link busy-waits. Waking a halted processor takes longer than a short call, on virtual machines several
 * times as long. A caller that makes one call after another would pay for that in each of them.
 *
 * All times are milliseconds of one clock that never goes back.
 */
export class BusyWaitPolicy {
  #gapMs: number = GAP_MS_MAX;
  #lastAt = 0;
  #callsMade = 0;
  #calledAt = 0;
  /** When more than CALLS_MAX calls were open. */
  #crowdedAt: number = -CROWDED_MS;

  /**
   * Called whenever bytes go through. Returns until when to busy-wait; 0 = do not. `callsMade` counts regular calls only:
   * messages of streams arrive in bursts, and busy-waiting for them would take the processor from their sender.
   */
  next(now: number, { callsOpen, callsMade }: { callsOpen: number; callsMade: number }): number {
    if (callsMade !== this.#callsMade) {
      this.#callsMade = callsMade;
      this.#calledAt = now;
    }
    const gapMs = Math.min(now - this.#lastAt, GAP_MS_MAX);
    this.#lastAt = now;
    this.#gapMs += (gapMs - this.#gapMs) * WEIGHT;
    if (callsOpen > CALLS_MAX) this.#crowdedAt = now;
    const isCalling = now - this.#crowdedAt >= CROWDED_MS && now - this.#calledAt < GAP_MS_MAX;
    return isCalling && this.#gapMs < SOON_MS ? now + BUSY_WAIT_MS : 0;
  }
}

let spinUntil = 0;
let isSpinning = false;

/** Keeps the event loop running without sleeping until a time of `processMs`. */
export function busyWaitUntil(until: number): void {
  if (until <= spinUntil) return;
  spinUntil = until;
  if (isSpinning) return;
  isSpinning = true;
  setImmediate(spin);
}

function spin(): void {
  if (processMs() < spinUntil) setImmediate(spin);
  else isSpinning = false;
}
