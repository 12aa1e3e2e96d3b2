interface Held {
  readonly epoch: number;
  /** Functions that work for it, also those whose callers have left. */
  running: number;
  onQuiet: (() => void) | undefined;
}

/**
 * The resources that an instance has. What its functions still do for a resource keeps it here: the next owner is told
 * of it only when all of them have come to their end.
 */
export class HeldResources {
  readonly #held = new Map<string, Held>();

  /** In the order in which they came. */
  get names(): readonly string[] {
    return [...this.#held.keys()];
  }

  take(resource: string, epoch: number): void {
    this.#held.set(resource, { epoch, running: 0, onQuiet: undefined });
  }

  give(resource: string): void {
    const held = this.#held.get(resource);
    this.#held.delete(resource);
    held?.onQuiet?.();
  }

  epochOf(resource: string): number | undefined {
    return this.#held.get(resource)?.epoch;
  }

  begin(resource: string): void {
    const held = this.#held.get(resource);
    if (held !== undefined) held.running++;
  }

  settle(resource: string): void {
    const held = this.#held.get(resource);
    if (held === undefined) return;
    held.running--;
    if (held.running === 0) held.onQuiet?.();
  }

  /** Resolves when no function works for it any more. */
  quiet(resource: string): Promise<void> {
    const held = this.#held.get(resource);
    if (held === undefined || held.running === 0) return Promise.resolve();
    return new Promise((resolve) => {
      held.onQuiet = resolve;
    });
  }
}
