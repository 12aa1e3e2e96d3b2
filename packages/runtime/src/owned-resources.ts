interface OwnedResource {
  readonly epoch: number;
  /** Functions that work for it, also those whose callers have left. */
  running: number;
  onIdle: (() => void) | undefined;
}

/**
 * The resources that an instance has. What its functions still do for a resource keeps it here: the next owner is told
 * of it only when all of them have come to their end.
 */
export class OwnedResources {
  readonly #owned = new Map<string, OwnedResource>();

  /** In the order in which they came. */
  get names(): readonly string[] {
    return [...this.#owned.keys()];
  }

  acquire(resource: string, epoch: number): void {
    this.#owned.set(resource, { epoch, running: 0, onIdle: undefined });
  }

  release(resource: string): void {
    const held = this.#owned.get(resource);
    this.#owned.delete(resource);
    held?.onIdle?.();
  }

  epochOf(resource: string): number | undefined {
    return this.#owned.get(resource)?.epoch;
  }

  begin(resource: string): void {
    const held = this.#owned.get(resource);
    if (held !== undefined) held.running++;
  }

  settle(resource: string): void {
    const held = this.#owned.get(resource);
    if (held === undefined) return;
    held.running--;
    if (held.running === 0) held.onIdle?.();
  }

  /** Resolves when no function works for it any more. */
  whenIdle(resource: string): Promise<void> {
    const held = this.#owned.get(resource);
    if (held === undefined || held.running === 0) return Promise.resolve();
    return new Promise((resolve) => {
      held.onIdle = resolve;
    });
  }
}
