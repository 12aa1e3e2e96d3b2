import type { HostEvent } from "@leveros/protocol";

const EVENTS_MAX = 5_000;

/** The last events of this host. They are lost when it stops. */
export class EventLog {
  #events: HostEvent[] = [];
  readonly #watchers = new Set<(event: HostEvent) => void>();

  add(event: HostEvent): void {
    this.#events.push(event);
    // Copying at each event would be slow.
    if (this.#events.length > 2 * EVENTS_MAX) this.#events = this.#events.slice(-EVENTS_MAX);
    for (const watcher of this.#watchers) watcher(event);
  }

  /** Oldest first. */
  last(): readonly HostEvent[] {
    return this.#events.slice(-EVENTS_MAX);
  }

  /** Calls back with each new event, until the returned function is called. */
  watch(watcher: (event: HostEvent) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }
}
