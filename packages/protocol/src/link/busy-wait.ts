import { processMs } from "../process-clock.ts";

// Only Node runs a link over a socket: this is its own.
declare function setImmediate(task: () => void): unknown;

/** What is expected sooner than this is waited for awake. */
const SOON_MS = 0.25;
/** For how long, each time: some times what a process takes to wake up where its processor has been halted. */
const AWAKE_MS = 0.3;
/** A longer pause counts as this long: the pace of a caller who comes back is known again after a few calls. */
const GAP_MS_MAX = 1;
/** Each gap's part in the average. */
const WEIGHT = 1 / 8;
/** With more calls under way there is enough to do, and what counts is how much gets done. */
const CALLS_MAX = 2;

/**
 * Says when a link should keep its process awake: asleep, it hears of what arrives only after its processor has been woken
 * up, which takes longer than a short call does, on virtual machines several times as long. A caller who makes one
 * call after the other would wait for that in each.
 *
 * Time is given in milliseconds, of any clock that does not go back.
 */
export class BusyWaitPolicy {
  #gapMs: number = GAP_MS_MAX;
  #lastAt = 0;
  #callsMade = 0;
  #calledAt = 0;

  /**
   * Something went through. Returns until when it is worth to stay awake; 0 = it is not. `callsMade` are regular calls:
   * messages of streams come many at once, and whoever waits for them awake takes the processor from who makes them.
   */
  next(now: number, { callsOpen, callsMade }: { callsOpen: number; callsMade: number }): number {
    if (callsMade !== this.#callsMade) {
      this.#callsMade = callsMade;
      this.#calledAt = now;
    }
    const gapMs = Math.min(now - this.#lastAt, GAP_MS_MAX);
    this.#lastAt = now;
    this.#gapMs += (gapMs - this.#gapMs) * WEIGHT;
    const isCalling = callsOpen <= CALLS_MAX && now - this.#calledAt < GAP_MS_MAX;
    return isCalling && this.#gapMs < SOON_MS ? now + AWAKE_MS : 0;
  }
}

let spinUntil = 0;
let isSpinning = false;

/** Lets the event loop turn, without sleeping, until then. */
export function busyWaitUntil(until: number): void {
  if (until <= spinUntil) return;
  spinUntil = until;
  if (isSpinning) return;
  isSpinning = true;
  setImmediate(turn);
}

function turn(): void {
  if (processMs() < spinUntil) setImmediate(turn);
  else isSpinning = false;
}
