/** Messages are held for so long. Those of one moment come from several hosts within a shorter time. */
export const HOLD_MS = 250;

interface Held<Message> {
  readonly message: Message;
  /** Its own time, in milliseconds since 1970. */
  readonly at: number;
  /** By the clock of this host. */
  readonly arrivedAt: number;
}

/**
 * Holds the messages of several hosts for a while, so that they come out in the order of their times. One that comes later
 * than that comes out late, and none is lost.
 */
export class TimeOrder<Message> {
  #held: Held<Message>[] = [];

  /** Messages that are held. */
  get size(): number {
    return this.#held.length;
  }

  add(message: Message, { at, now }: { readonly at: number; readonly now: number }): void {
    this.#held.push({ message, at, arrivedAt: now });
  }

  /** Takes the messages that were held long enough, and all with earlier times, oldest first. */
  take(now: number): readonly Message[] {
    let dueUntil = Number.NEGATIVE_INFINITY;
    for (const { at, arrivedAt } of this.#held) {
      if (now - arrivedAt >= HOLD_MS) dueUntil = Math.max(dueUntil, at);
    }
    const due = this.#held.filter(({ at }) => at <= dueUntil);
    this.#held = this.#held.filter(({ at }) => at > dueUntil);
    return due.sort((a, b) => a.at - b.at).map(({ message }) => message);
  }
}
