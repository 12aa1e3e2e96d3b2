import { OverloadControl, type OverloadTimes } from "./overload-control.ts";

/** Calls that wait for any instance, oldest first. It is bounded by `WaitingCalls`. */
export class CallQueue<Call> {
  /** When each began to wait. */
  readonly #calls = new Map<Call, number>();
  readonly #overload: OverloadControl;

  constructor(times: OverloadTimes) {
    this.#overload = new OverloadControl(times);
  }

  get size(): number {
    return this.#calls.size;
  }

  add(call: Call, now: number): void {
    if (this.#calls.size === 0) this.#overload.filled(now);
    this.#calls.set(call, now);
  }

  /** An instance has taken the call. */
  take(call: Call, now: number): void {
    const since = this.#calls.get(call);
    if (since === undefined) return;
    this.#overload.taken(since, now);
    this.#delete(call, now);
  }

  /** The call no longer waits. False = it did not. */
  leave(call: Call, now: number): boolean {
    return this.#calls.has(call) && this.#delete(call, now);
  }

  /** Empties it. */
  takeAll(now: number): Call[] {
    const calls = [...this.#calls.keys()];
    this.#calls.clear();
    this.#overload.emptied(now);
    return calls;
  }

  [Symbol.iterator](): Iterator<Call> {
    return this.#calls.keys();
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
      ([, since], index) => index >= (since > standingSince ? capacity / 2 : soonCount),
    );
    for (const [call] of late) this.#delete(call, now);
    return late.map(([call]) => call);
  }

  #delete(call: Call, now: number): boolean {
    const wasThere = this.#calls.delete(call);
    if (this.#calls.size === 0) this.#overload.emptied(now);
    return wasThere;
  }
}
