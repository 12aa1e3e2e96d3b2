/**
 * Calls that wait for any instance, oldest first. A queue absorbs bursts. When no instance can be added, a queue that
 * stays non-empty only delays every call.
 */
export class CallQueue<Call> {
  readonly #calls = new Set<Call>();
  /** When it last became non-empty. */
  #since = 0;
  #overloadedUntil = 0;

  get size(): number {
    return this.#calls.size;
  }

  add(call: Call, now: number): void {
    if (this.#calls.size === 0) this.#since = now;
    this.#calls.add(call);
  }

  /** False = the call did not wait. */
  delete(call: Call): boolean {
    return this.#calls.delete(call);
  }

  /** Empties it. */
  takeAll(): Call[] {
    const calls = [...this.#calls];
    this.#calls.clear();
    return calls;
  }

  [Symbol.iterator](): Iterator<Call> {
    return this.#calls.values();
  }

  /**
   * True when one more call should be refused because no more instances can start: the queue has been non-empty for
   * `afterMs`, and is longer than half of what the instances carry at once. Stays true until no call was refused for
   * `afterMs`.
   */
  isOverloaded(options: { now: number; afterMs: number; capacity: number }): boolean {
    const { now, afterMs, capacity } = options;
    const isStanding = this.#calls.size > 0 && now - this.#since >= afterMs;
    if (!isStanding && now >= this.#overloadedUntil) return false;
    if (this.#calls.size < capacity / 2) return false;
    this.#overloadedUntil = now + afterMs;
    return true;
  }
}
