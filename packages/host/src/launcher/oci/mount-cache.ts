import type { Clock } from "../../clock.ts";

/** How long unused mounts are kept: a service that has just stopped may start again without waiting for them. */
const KEEP_UNUSED_MS = 60_000;
/** With more unused mounts than this, the next one is removed at once. */
const UNUSED_MAX = 64;

export interface Mounting {
  mount(): Promise<void>;
  unmount(): Promise<void>;
}

interface Entry extends Mounting {
  users: number;
  /** The files that it shows are about to be removed. */
  isForgotten: boolean;
  isMounted: boolean;
  /** The mounting or unmounting in progress, or the last one. */
  lastChange: Promise<void>;
  timer: unknown;
  /** Settles when it is unmounted for the last time, or cannot be. */
  readonly gone: PromiseWithResolvers<void>;
}

/** Mounts that several containers share: made for the first user, and kept for a minute after the last. */
export class MountCache {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Resolves when it is mounted. Call `release` once for each `acquire`.
   * @throws what mounting throws. It needs no `release` then.
   */
  async acquire(key: string, mounting: Mounting): Promise<void> {
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      const lastChange = Promise.resolve();
      const state = { users: 0, isForgotten: false, isMounted: false, timer: undefined };
      entry = { ...mounting, ...state, lastChange, gone: Promise.withResolvers() };
      // Only `forget` waits for it.
      entry.gone.promise.catch(() => {});
      this.#entries.set(key, entry);
    }
    if (entry.users++ === 0) {
      const first = entry;
      this.#clock.clearTimeout(first.timer);
      first.lastChange = first.lastChange
        .catch(() => {})
        .then(async () => {
          if (first.isMounted) return;
          await first.mount();
          first.isMounted = true;
        });
    }
    try {
      await entry.lastChange;
    } catch (error) {
      this.release(key);
      throw error;
    }
  }

  release(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined || --entry.users > 0) return;
    const unused = [...this.#entries.values()].filter(({ users }) => users === 0);
    const keepMs = entry.isForgotten || unused.length > UNUSED_MAX ? 0 : KEEP_UNUSED_MS;
    entry.timer = this.#clock.setTimeout(() => this.#unmount(key, entry), keepMs);
  }

  /**
   * Keeps these no longer than they have users: what they show is about to be removed. Resolves when they are unmounted.
   * @throws what unmounting throws.
   */
  async forget(isGone: (key: string) => boolean): Promise<void> {
    const forgotten = [...this.#entries].filter(([key]) => isGone(key));
    for (const [key, entry] of forgotten) {
      entry.isForgotten = true;
      this.#clock.clearTimeout(entry.timer);
      this.#unmount(key, entry);
    }
    await Promise.all(forgotten.map(([, entry]) => entry.gone.promise));
  }

  /** Unmounts everything that has no user; resolves when that is done. */
  async unmountUnused(): Promise<void> {
    for (const [key, entry] of this.#entries) {
      this.#clock.clearTimeout(entry.timer);
      this.#unmount(key, entry);
    }
    await Promise.allSettled([...this.#entries.values()].map(({ lastChange }) => lastChange));
  }

  #unmount(key: string, entry: Entry): void {
    if (entry.users > 0) return;
    // An `acquire` during unmounting mounts again after it. A mount that cannot be removed stays usable.
    entry.lastChange = entry.lastChange
      .catch(() => {})
      .then(async () => {
        if (!entry.isMounted) return;
        await entry.unmount();
        entry.isMounted = false;
      })
      .then(
        () => {
          if (entry.users > 0) return;
          this.#entries.delete(key);
          entry.gone.resolve();
        },
        (error: unknown) => {
          if (entry.isForgotten) entry.gone.reject(error);
        },
      );
  }
}
