/** Runs work of the same key one after the other, in the order of the calls. Work of different keys runs at once. */
export class KeyedQueue {
  readonly #last = new Map<string, Promise<unknown>>();

  /** The number of keys that have work. */
  get size(): number {
    return this.#last.size;
  }

  /** Resolves and rejects as `work` does. Work that fails does not stop what follows. */
  async run<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.#last.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#last.set(key, mine);
    try {
      return await mine;
    } finally {
      if (this.#last.get(key) === mine) this.#last.delete(key);
    }
  }
}
