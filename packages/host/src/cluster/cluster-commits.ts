import type { Commit } from "../state/state.ts";
import type { CommitResult } from "../store/change.ts";
import type { PostgresStore } from "./postgres-store.ts";
import type { HostReplica } from "./replica.ts";

/** Own revisions that are remembered. Each is asked for within moments. */
const OWN_MAX = 1_000;

/** Changes that this host makes: they are written to the cluster's database, and come back by its feed. */
export class ClusterCommits {
  readonly #database: Pick<PostgresStore, "commit">;
  readonly #replica: Pick<HostReplica, "reached">;
  readonly #own = new Set<number>();
  readonly #inFlight = new Set<Promise<unknown>>();

  constructor(database: Pick<PostgresStore, "commit">, replica: Pick<HostReplica, "reached">) {
    this.#database = database;
    this.#replica = replica;
  }

  /** @throws LeverError `unavailable` */
  readonly commit: Commit = async (change, expected) => {
    const committing = this.#database.commit(change, expected);
    this.#inFlight.add(committing);
    const result = await this.#settled(committing);
    // After a conflict: the change that came first must be here before this one is decided again.
    if (result.outcome !== "unknown") await this.#replica.reached(result.revision);
    return result;
  };

  /** Resolves to whether this host has made a change that it has applied. */
  async isOwn(revision: number): Promise<boolean> {
    // The feed may be faster than the answer to the commit.
    await Promise.allSettled(this.#inFlight);
    return this.#own.has(revision);
  }

  async #settled(committing: Promise<CommitResult>): Promise<CommitResult> {
    try {
      const result = await committing;
      if (result.outcome === "written") this.#remember(result.revision);
      return result;
    } finally {
      this.#inFlight.delete(committing);
    }
  }

  #remember(revision: number): void {
    this.#own.add(revision);
    const [oldest] = this.#own;
    if (this.#own.size > OWN_MAX && oldest !== undefined) this.#own.delete(oldest);
  }
}
