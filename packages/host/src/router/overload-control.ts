import type { Limits } from "@leveros/protocol";

/** How much waits at the arrival of a call that cannot get a place at once. */
export interface QueueNow {
  readonly now: number;
  /** Calls in the queue. */
  readonly waiting: number;
  /** When the first call of the queue began to wait; undefined = none waits. */
  readonly oldestSince: number | undefined;
  /** Calls that the instances carry at once. */
  readonly capacity: number;
}

/** A wait up to the target is no overload. A least wait that has been longer for the standing time is. */
export type OverloadLimits = Pick<Limits, "queueWaitTargetMs" | "queueStandingMs">;

type Phase =
  /** Every call may wait. */
  | { readonly kind: "calm" }
  /** A call is refused while half as many calls wait as the instances carry. */
  | { readonly kind: "refusing"; readonly until: number }
  /** A call is refused if it would wait longer than the target. If none is, the overload is over. */
  | { readonly kind: "probing"; readonly since: number; readonly until: number };

const CALM: Phase = { kind: "calm" };

/** The calls of the queue, in its order, that are refused when overload begins, or goes on after a trial. */
export interface OverloadBegins {
  /** Calls that have waited since an earlier time are a burst, and stay if they can be served within a second. */
  readonly standingSince: number;
  /** Calls that can be served within a second. At least half of what the instances carry; all, if the rate is unknown. */
  readonly soonCount: number;
}

/** Calls of a burst stay if their further wait is at most so many targets. */
const BURST_TARGETS = 4;
/** Calls are refused for this many `standingMs` before it is tried whether more may wait: each trial costs waiting. */
const REFUSING_TIMES = 3;

/**
 * Decides when a full service refuses calls, by the least wait of the calls that got a place: a burst ends, a standing
 * queue only delays every call (Nichols and Jacobson, Controlling Queue Delay; RFC 8289). Calls are refused as they
 * arrive, so that they fail at once. It has no timers and no I/O.
 */
export class OverloadControl {
  readonly #targetMs: number;
  readonly #standingMs: number;
  #phase: Phase = CALM;
  /** Waits count from here. Before it, calls waited for an instance to start. */
  #countsFrom = 0;
  /** Calls that waited when the last overload was over. A queue that gets shorter than this is no overload. */
  #calmWaiting = 0;
  #refusedAt = 0;
  /** Since then every call has waited longer than the target; undefined = the last one had not. */
  #standingSince: number | undefined;
  // How fast calls get a place while others wait, measured while calls are refused.
  /** Up to here the queue's time is in `#busyMs`; undefined = the queue is empty. */
  #filledAt: number | undefined;
  #busyMs = 0;
  #taken = 0;
  #filledSince = 0;
  #takenSinceFilled = 0;
  #takenPerMs = Number.POSITIVE_INFINITY;

  constructor(limits: OverloadLimits) {
    this.#targetMs = limits.queueWaitTargetMs;
    this.#standingMs = limits.queueStandingMs;
  }

  /** The queue is no longer empty. */
  filled(now: number): void {
    this.#filledAt = now;
    this.#filledSince = now;
    this.#takenSinceFilled = 0;
  }

  emptied(now: number): void {
    this.#countBusy(now);
    this.#filledAt = undefined;
    this.#standingSince = undefined;
    this.#calmWaiting = 0;
  }

  /** A call that began to wait at `since` has got a place. */
  taken(since: number, now: number): void {
    this.#taken++;
    this.#takenSinceFilled++;
    if (now - Math.max(since, this.#countsFrom) < this.#targetMs) this.#standingSince = undefined;
    else if (this.#standingSince === undefined) this.#stand(now, now);
  }

  /** An instance takes calls from now on. */
  instanceAdded(now: number): void {
    this.#countsFrom = now;
    this.#standingSince = undefined;
  }

  /** Decides about a call that arrives. */
  decide(queue: QueueNow): "waits" | "refused" | OverloadBegins {
    const { now, waiting, capacity } = queue;
    const phase = this.#phaseAt(queue);
    this.#phase = phase;
    const isShort = waiting < shortMax(capacity);
    switch (phase.kind) {
      case "calm": {
        const since = this.#standsSince(queue);
        const isStanding = since !== undefined && now - since >= this.#standingMs;
        if (isShort || !isStanding || waiting <= this.#calmWaiting) return "waits";
        this.#measure(now);
        const soonCount = this.#soonCount(capacity);
        this.#refuse(now);
        return { standingSince: since, soonCount };
      }
      case "refusing":
        if (isShort) return "waits";
        this.#refusedAt = now;
        return "refused";
      case "probing":
        if (isShort || waiting < this.#probedMax) return "waits";
        this.#refuse(now);
        return { standingSince: phase.since, soonCount: Number.POSITIVE_INFINITY };
    }
  }

  #phaseAt(queue: QueueNow): Phase {
    const { now, waiting } = queue;
    const phase = this.#phase;
    if (phase.kind === "calm") return phase;
    // Callers come more slowly.
    const isOver = phase.kind === "refusing" && now - this.#refusedAt >= this.#standingMs;
    const until = phase.until + this.#standingMs;
    if (isOver || now >= until) return this.#calm(queue);
    if (now < phase.until) return phase;
    if (phase.kind === "probing") {
      return waiting < this.#probedMax / 2 ? this.#calm(queue) : { ...phase, until };
    }
    this.#measure(now);
    return { kind: "probing", since: now, until };
  }

  /** Ends the overload. Only what happens from now on shows whether there is another. */
  #calm({ now, waiting }: QueueNow): Phase {
    this.#countsFrom = now;
    this.#standingSince = undefined;
    this.#calmWaiting = waiting;
    return CALM;
  }

  #refuse(now: number): void {
    this.#restartMeasuring(now);
    this.#refusedAt = now;
    this.#phase = { kind: "refusing", until: now + REFUSING_TIMES * this.#standingMs };
  }

  #standsSince({ now, oldestSince }: QueueNow): number | undefined {
    if (this.#standingSince !== undefined || oldestSince === undefined) return this.#standingSince;
    // Where calls take long, none may get a place for some time. If it is longer, the one that waits longest counts.
    const since = Math.max(oldestSince, this.#countsFrom) + this.#targetMs + this.#standingMs;
    if (now >= since) this.#stand(since, now);
    return this.#standingSince;
  }

  /** Calls whose last one waits for the target. */
  get #probedMax(): number {
    return this.#takenPerMs * this.#targetMs;
  }

  #soonCount(capacity: number): number {
    return Math.max(shortMax(capacity), this.#probedMax * BURST_TARGETS);
  }

  #stand(since: number, now: number): void {
    this.#standingSince = since;
    if (this.#phase.kind === "calm") this.#restartMeasuring(now);
  }

  /** Where calls take long, few get a place in that time, and the rate is that of the whole queue. */
  #measure(now: number): void {
    this.#countBusy(now);
    if (this.#taken > 1) this.#takenPerMs = this.#taken / this.#busyMs;
    else if (this.#takenSinceFilled > 1) {
      this.#takenPerMs = this.#takenSinceFilled / (now - this.#filledSince);
    }
  }

  #countBusy(now: number): void {
    if (this.#filledAt === undefined) return;
    this.#busyMs += now - this.#filledAt;
    this.#filledAt = now;
  }

  #restartMeasuring(now: number): void {
    this.#countBusy(now);
    this.#busyMs = 0;
    this.#taken = 0;
  }
}

/** Fewer waiting calls than this are no overload: each waits for about half of the time that a call takes, or for one call. */
export function shortMax(capacity: number): number {
  return capacity / 2 + 1;
}
