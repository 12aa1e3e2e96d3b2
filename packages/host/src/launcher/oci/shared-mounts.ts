/** Who has stopped may start again soon, and then need not wait. */
const LINGER_MS = 60_000;
/** So many that nobody uses are kept for that. */
const UNUSED_MAX = 64;

/** How something is made that several containers use, and taken away. */
export interface Mounting {
  make(): Promise<void>;
  unmake(): Promise<void>;
}

interface Shared extends Mounting {
  users: number;
  isMade: boolean;
  /** What is under way with it, or was last. */
  ready: Promise<void>;
  timer: NodeJS.Timeout | undefined;
}

/** What several containers share: made when the first needs it, and kept for a minute after the last has left. */
export class SharedMounts {
  readonly #all = new Map<string, Shared>();

  /** Resolves when it is there; `close` it as often as it was opened. @throws what making it throws, and is closed then. */
  async open(key: string, mounting: Mounting): Promise<void> {
    let shared = this.#all.get(key);
    if (shared === undefined) {
      const ready = Promise.resolve();
      shared = { ...mounting, users: 0, isMade: false, ready, timer: undefined };
      this.#all.set(key, shared);
    }
    if (shared.users++ === 0) {
      const made = shared;
      clearTimeout(made.timer);
      made.ready = made.ready
        .catch(() => {})
        .then(async () => {
          if (made.isMade) return;
          await made.make();
          made.isMade = true;
        });
    }
    try {
      await shared.ready;
    } catch (error) {
      this.close(key);
      throw error;
    }
  }

  close(key: string): void {
    const shared = this.#all.get(key);
    if (shared === undefined || --shared.users > 0) return;
    const unused = [...this.#all.values()].filter(({ users }) => users === 0);
    const lingersMs = unused.length > UNUSED_MAX ? 0 : LINGER_MS;
    shared.timer = setTimeout(() => this.#unmake(key, shared), lingersMs);
    shared.timer.unref();
  }

  /** Takes away all that nobody uses; resolves when that is done. */
  async closeAll(): Promise<void> {
    for (const [key, shared] of this.#all) {
      clearTimeout(shared.timer);
      this.#unmake(key, shared);
    }
    await Promise.allSettled([...this.#all.values()].map(({ ready }) => ready));
  }

  #unmake(key: string, shared: Shared): void {
    if (shared.users > 0) return;
    // Opened again meanwhile, it is made again, after this. What cannot be taken away stays, and is used again.
    shared.ready = shared.ready
      .catch(() => {})
      .then(async () => {
        if (!shared.isMade) return;
        await shared.unmake();
        shared.isMade = false;
      })
      .then(
        () => {
          if (shared.users === 0) this.#all.delete(key);
        },
        () => {},
      );
  }
}
