interface OwnedResource {
  readonly epoch: number;
  /** Functions that run for the resource, also those of cancelled calls. */
  running: number;
  onIdle: (() => void) | undefined;
}

/**
 * The resources that an instance owns. An instance stays the owner while functions run for a resource: the next owner
 * receives it only when all of them have ended.
 */
export class OwnedResources {
  readonly #owned = new Map<string, OwnedResource>();

  /** In the order of `acquire`. */
  get names(): readonly string[] {
    return [...this.#owned.keys()];
  }

  acquire(resource: string, epoch: number): void {
    this.#owned.set(resource, { epoch, running: 0, onIdle: undefined });
  }

  release(resource: string): void {
    const owned = this.#owned.get(resource);
    this.#owned.delete(resource);
    owned?.onIdle?.();
  }

  epochOf(resource: string): number | undefined {
    return this.#owned.get(resource)?.epoch;
  }

  begin(resource: string): void {
    const owned = this.#owned.get(resource);
    if (owned !== undefined) owned.running++;
  }

  settle(resource: string): void {
    const owned = this.#owned.get(resource);
    if (owned === undefined) return;
    owned.running--;
    if (owned.running === 0) owned.onIdle?.();
  }

  /** Resolves when no function runs for the resource. */
  whenIdle(resource: string): Promise<void> {
    const owned = this.#owned.get(resource);
    if (owned === undefined || owned.running === 0) return Promise.resolve();
    return new Promise((resolve) => {
      owned.onIdle = resolve;
    });
  }
}
