import { LeverError } from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import type { Log } from "../logs/log.ts";
import type { Applier } from "../state/applier.ts";
import type { SqliteStore } from "../store/sqlite-store.ts";
import type { FeedPosition, Replica } from "./postgres-feed.ts";
import type { PostgresStore } from "./postgres-store.ts";

/** The host note with the generation of the cluster that its store has a copy of. */
export const GENERATION = "cluster generation";
/** A written change arrives within milliseconds, or after a reconnect. */
const REACHED_MS_MAX = 15_000;

export interface ReplicaOptions {
  /** The host's own store, from which it answers. */
  readonly store: SqliteStore;
  readonly cluster: Pick<PostgresStore, "snapshot">;
  readonly applier: Applier;
  /** Everything may differ from what the parts of the host have read. `revision`: the last one that they have; 0 = any. */
  readonly onReloaded: (revision: number) => void | Promise<void>;
  /** Resolves when what the parts were told holds in every process that takes calls. */
  readonly propagated: () => Promise<void>;
  /** The host has applied a change. */
  readonly onApplied: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** The copy of the cluster's state in a host's own store. */
export interface HostReplica extends Replica {
  /** The last revision that holds in every process of this host. */
  applied(): number;
  /** Resolves when this host has applied a revision. @throws LeverError `unavailable` when it does not arrive */
  reached(revision: number): Promise<void>;
}

/** Opens the copy. A change is written to it before the parts of the host are told. */
export async function openReplica(options: ReplicaOptions): Promise<HostReplica> {
  const { store, cluster, applier, onReloaded, propagated, onApplied, clock, log } = options;
  const generation = Number((await store.notes.read(GENERATION)) ?? 0);
  let position: FeedPosition = { generation, ...(await store.head()) };
  let applied = position.revision;
  const waiting = new Set<{ readonly revision: number; readonly resolve: () => void }>();

  const moveOn = async (): Promise<void> => {
    const { revision } = position;
    await propagated();
    applied = revision;
    for (const waiter of waiting) if (waiter.revision <= revision) waiter.resolve();
    onApplied();
  };

  return {
    position: () => position,
    applied: () => applied,
    async reached(revision) {
      if (applied >= revision) return;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const waiter = { revision, resolve };
      waiting.add(waiter);
      const timer = clock.setTimeout(() => reject(notApplied(revision)), REACHED_MS_MAX);
      try {
        await promise;
      } finally {
        clock.clearTimeout(timer);
        waiting.delete(waiter);
      }
    },
    async apply(stored) {
      const change = await store.follow(stored);
      const { revision, nonce } = stored;
      position = { ...position, revision, nonce };
      try {
        await applier.apply(change);
      } catch (error) {
        // The store has it. Its author may be another host, and later changes must not wait.
        const { kind } = stored.change;
        log("error", "cluster", "change not applied", { kind, revision, reason: String(error) });
      }
      await moveOn();
    },
    async reload() {
      const before = position;
      const { at, tables } = await cluster.snapshot(async (snapshot) => {
        const tables = [];
        for await (const part of snapshot.rows()) tables.push(part);
        return { at: snapshot.position, tables };
      });
      // A crash between the two reloads again.
      await store.replaceState(tables);
      await store.notes.write(GENERATION, String(at.generation));
      position = at;
      const isLater = at.generation === before.generation && at.revision >= before.revision;
      await onReloaded(isLater ? before.revision : 0);
      await moveOn();
    },
  };
}

function notApplied(revision: number): LeverError {
  return new LeverError(
    "unavailable",
    `Cannot confirm the change: it is written as revision ${revision}, and has not arrived at this host. It holds when lever hosts shows that no host is behind.`,
    { retryAfterSeconds: 5 },
  );
}
