/** Runs work once for each key at a time: a caller whose key is in progress gets the result of that run. */
export class SingleFlight<Result> {
  readonly #running = new Map<string, Promise<Result>>();

  /** @throws what `work` throws, to every caller of the same run. */
  run(key: string, work: () => Promise<Result>): Promise<Result> {
    const running = this.#running.get(key) ?? work().finally(() => this.#running.delete(key));
    this.#running.set(key, running);
    return running;
  }
}
