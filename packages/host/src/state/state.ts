import { LeverError } from "@leveros/protocol";
import { KeyedQueue } from "../keyed-queue.ts";
import { type Change, type CommitResult, NO_KEY } from "../store/change.ts";
import type { SqliteStore } from "../store/sqlite-store.ts";
import type { Store } from "../store/store.ts";
import type { Applier } from "./applier.ts";

/** Resolves when this host has applied the change. After a conflict: when it has the change that came first. */
export type Commit = (change: Change, expected: number | undefined) => Promise<CommitResult>;

/** Decisions of one change, each on what another host has changed meanwhile. */
const TRIES_MAX = 10;

/** Changes the state that hosts share. Changes with one key are decided one after the other. */
export class State {
  readonly #store: Pick<Store, "revisionOf">;
  readonly #commit: Commit;
  readonly #turns = new KeyedQueue();

  constructor(store: Pick<Store, "revisionOf">, commit: Commit) {
    this.#store = store;
    this.#commit = commit;
  }

  /**
   * Commits what `decide` returns, and resolves when this host has applied it. `decide` must read the store, not what a part
   * remembers. It runs again when something with this key was changed after it began.
   * @throws what `decide` throws; LeverError `conflict`, `unavailable`
   */
  async change<Decided extends Change>(
    key: string,
    decide: () => Decided | Promise<Decided>,
  ): Promise<Decided> {
    if (key === NO_KEY) return await this.#change(key, decide);
    return await this.#turns.run(key, () => this.#change(key, decide));
  }

  async #change<Decided extends Change>(
    key: string,
    decide: () => Decided | Promise<Decided>,
  ): Promise<Decided> {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const expected = key === NO_KEY ? undefined : await this.#store.revisionOf(key);
      const change = await decide();
      const { outcome } = await this.#commit(change, expected);
      if (outcome === "written") return change;
      if (outcome === "unknown") {
        throw new LeverError(
          "unavailable",
          "Cannot find out whether the change was written: the connection to the database broke. Check whether the change is there, and make it again if it is not.",
        );
      }
    }
    throw new LeverError(
      "conflict",
      "Cannot make the change: others change the same thing at the same time. Try again.",
      { retryAfterSeconds: 1 },
    );
  }
}

/** On one machine, a change is applied as soon as it is written. */
export function applyAtOnce(store: Pick<SqliteStore, "commit">, applier: Applier): Commit {
  return async (change, expected) => {
    const result = await store.commit(change, expected);
    if (result.outcome === "written") await applier.apply(result);
    return result;
  };
}
