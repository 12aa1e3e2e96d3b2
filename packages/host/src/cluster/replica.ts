import type { Applier } from "../state/applier.ts";
import type { SqliteStore } from "../store/sqlite-store.ts";
import type { FeedPosition, Replica } from "./postgres-feed.ts";
import type { PostgresStore } from "./postgres-store.ts";

/** The host note with the generation of the cluster that its store has a copy of. */
const GENERATION = "cluster generation";

export interface ReplicaOptions {
  /** The host's own store, from which it answers. */
  readonly store: SqliteStore;
  readonly cluster: Pick<PostgresStore, "snapshot">;
  readonly applier: Applier;
  /** Everything may differ from what the parts of the host have read. */
  readonly onReloaded: () => void | Promise<void>;
}

/** The copy of the cluster's state in a host's own store. It is written before the parts of the host are told. */
export async function openReplica(options: ReplicaOptions): Promise<Replica> {
  const { store, cluster, applier, onReloaded } = options;
  const generation = Number((await store.notes.read(GENERATION)) ?? 0);
  let position: FeedPosition = { generation, ...(await store.head()) };
  return {
    position: () => position,
    async apply(stored) {
      const applied = await store.follow(stored);
      const { revision, nonce } = stored;
      position = { ...position, revision, nonce };
      await applier.apply(applied);
    },
    async reload() {
      const { at, tables } = await cluster.snapshot(async (snapshot) => {
        const tables = [];
        for await (const part of snapshot.rows()) tables.push(part);
        return { at: snapshot.position, tables };
      });
      // A crash between the two reloads again.
      await store.replaceState(tables);
      await store.notes.write(GENERATION, String(at.generation));
      position = at;
      await onReloaded();
    },
  };
}
