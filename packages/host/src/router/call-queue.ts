import { OverloadControl, type OverloadLimits, shortMax } from "./overload-control.ts";

/**
 * Calls that wait for any instance, oldest first; before them, those that are made in the course of other calls. It is
 * bounded by `WaitingCalls`.
 */
export class CallQueue<Call> {
  /** When each began to wait. */
  readonly #calls = new Map<Call, number>();
  /** Made in the course of other calls. */
  readonly #chained = new Set<Call>();
  readonly #overload: OverloadControl;

  constructor(limits: OverloadLimits) {
    this.#overload = new OverloadControl(limits);
  }

  get size(): number {
    return this.#calls.size + this.#chained.size;
  }

  /** The call that gets the next place. */
  get first(): Call | undefined {
    const calls = this.#chained.size > 0 ? this.#chained : this.#calls;
    return calls.keys().next().value;
  }

  add(call: Call, now: number): void {
    if (this.#calls.size === 0) this.#overload.filled(now);
    this.#calls.set(call, now);
  }

  /** Adds a call that is made in the course of another one. */
  addChained(call: Call): void {
    this.#chained.add(call);
  }

  /** An instance has taken the call. */
  take(call: Call, now: number): void {
    const since = this.#calls.get(call);
    if (since !== undefined) this.#overload.taken(since, now);
    this.leave(call, now);
  }

  /** The call no longer waits. False = it did not. */
  leave(call: Call, now: number): boolean {
    if (this.#chained.delete(call)) return true;
    if (!this.#calls.delete(call)) return false;
    if (this.#calls.size === 0) this.#overload.emptied(now);
    return true;
  }

  filter(isWanted: (call: Call) => boolean): Call[] {
    return [...this.#chained, ...this.#calls.keys()].filter(isWanted);
  }

  /** Empties it. */
  takeAll(now: number): Call[] {
    const calls = this.filter(() => true);
    this.#chained.clear();
    this.#calls.clear();
    this.#overload.emptied(now);
    return calls;
  }

  /** An instance takes calls from now on: only a wait after this can be overload. */
  instanceAdded(now: number): void {
    this.#overload.instanceAdded(now);
  }

  /**
   * For a call that would wait when no more instances can start: undefined = it may. Otherwise it must be refused, and
   * with it the returned calls, which are removed.
   */
  overflow(now: number, capacity: number): readonly Call[] | undefined {
    const [oldestSince] = this.#calls.values();
    const waiting = this.#calls.size;
    const decision = this.#overload.decide({ now, waiting, oldestSince, capacity });
    if (decision === "waits") return undefined;
    if (decision === "refused") return [];
    const { standingSince, soonCount } = decision;
    const late = [...this.#calls].filter(
      ([, since], index) => index >= (since > standingSince ? shortMax(capacity) : soonCount),
    );
    for (const [call] of late) this.leave(call, now);
    return late.map(([call]) => call);
  }
}
