/**
 * Calls that wait for any instance, oldest first. A queue absorbs bursts: one that has not been empty for a while, with
 * no instance to come, only adds waiting to every call.
 */
export class CallQueue<Call> {
  readonly #calls = new Set<Call>();
  /** Since when it has not been empty. */
  #since = 0;
  #overloadedUntil = 0;

  get size(): number {
    return this.#calls.size;
  }

  add(call: Call, now: number): void {
    if (this.#calls.size === 0) this.#since = now;
    this.#calls.add(call);
  }

  /** False = it did not wait. */
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
   * Whether one more call is better refused, when no more instances may come: the queue has stood for `afterMs`, and
   * half of what the instances carry at once waits already. It stays so until for as long a time nobody was refused.
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
