import type { HostEvent } from "@leveros/protocol";

const EVENTS_MAX = 5_000;

/** The last things that happened on this host, for as long as it runs. */
export class EventLog {
  #events: HostEvent[] = [];
  readonly #watchers = new Set<(event: HostEvent) => void>();

  add(event: HostEvent): void {
    this.#events.push(event);
    // Cut now and then, not with each event.
    if (this.#events.length > 2 * EVENTS_MAX) this.#events = this.#events.slice(-EVENTS_MAX);
    for (const watcher of this.#watchers) watcher(event);
  }

  /** Oldest first. */
  last(): readonly HostEvent[] {
    return this.#events.slice(-EVENTS_MAX);
  }

  /** Calls back with each new event. Returns what ends that. */
  watch(watcher: (event: HostEvent) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }
}
