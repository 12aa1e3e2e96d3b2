interface VirtualTimer {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

/** The wall time at which every virtual clock starts: 2026-01-01. */
const WALL_TIME_AT_START = Date.UTC(2026, 0, 1);

/** A clock that stands still until a test advances it. Timers of the same moment fire in the order they were set. */
export class VirtualClock {
  #now = 0;
  #order = 0;
  /** A binary heap, the earliest first. */
  readonly #heap: VirtualTimer[] = [];
  readonly #cancelled = new Set<unknown>();

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return WALL_TIME_AT_START + this.#now;
  }

  setTimeout(callback: () => void, ms: number): unknown {
    const timer = { at: this.#now + Math.max(0, ms), order: this.#order++, callback };
    this.#heap.push(timer);
    this.#up(this.#heap.length - 1);
    return timer;
  }

  clearTimeout(timer: unknown): void {
    if (timer !== undefined) this.#cancelled.add(timer);
  }

  /** Turns the clock, and lets every timer on the way go off. */
  advance(ms: number): void {
    const until = this.#now + ms;
    while (this.runNext(until));
    this.#now = until;
  }

  /** Goes to the next timer, if it is not later than `until`, and lets it go off. */
  runNext(until: number): boolean {
    for (let next = this.#heap[0]; next !== undefined && next.at <= until; next = this.#heap[0]) {
      this.#pop();
      if (this.#cancelled.delete(next)) continue;
      this.#now = Math.max(this.#now, next.at);
      next.callback();
      return true;
    }
    return false;
  }

  #isBefore(a: number, b: number): boolean {
    const [left, right] = [this.#heap[a], this.#heap[b]];
    if (left === undefined || right === undefined) return left !== undefined;
    return left.at === right.at ? left.order < right.order : left.at < right.at;
  }

  #swap(a: number, b: number): void {
    const [left, right] = [this.#heap[a], this.#heap[b]];
    if (left === undefined || right === undefined) return;
    this.#heap[a] = right;
    this.#heap[b] = left;
  }

  #up(index: number): void {
    for (let at = index; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #pop(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      const child =
        left + 1 < this.#heap.length && this.#isBefore(left + 1, left) ? left + 1 : left;
      if (child >= this.#heap.length || !this.#isBefore(child, at)) return;
      this.#swap(at, child);
      at = child;
    }
  }
}
