import type { Clock } from "../clock.ts";
import type { Log } from "../logs/log.ts";
import type { TableRows } from "../store/replace-state.ts";
import { numberOf, textOf } from "../store/rows.ts";
import type { Store } from "../store/store.ts";
import { clockAheadMs } from "./database-clock.ts";
import { PostgresArchives } from "./postgres-archives.ts";
import { PostgresCommits } from "./postgres-commit.ts";
import { PostgresFeed, type Replica, storedChangeOf } from "./postgres-feed.ts";
import { raiseFormat } from "./postgres-format.ts";
import { PostgresLeases } from "./postgres-leases.ts";
import { PostgresOwners } from "./postgres-owners.ts";
import { PostgresPool } from "./postgres-pool.ts";
import { postgresReads } from "./postgres-reads.ts";
import { type RestoredState, restoreState } from "./postgres-restore.ts";
import {
  type ClusterIdentity,
  createTables,
  fillCluster,
  readCluster,
  takeOver,
} from "./postgres-schema.ts";
import { type DatabaseMemory, PostgresServers } from "./postgres-servers.ts";
import type { PostgresSession } from "./postgres-session.ts";
import { readSnapshot, type Snapshot } from "./postgres-snapshot.ts";
import { parseDatabaseUrl } from "./postgres-url.ts";
import { SHARED_VERSIONS } from "./shared-versions.ts";

export interface PostgresOptions {
  /** One for each server: the primary and its standbys. */
  readonly urls: readonly string[];
  readonly memory: DatabaseMemory;
  readonly clock: Clock;
  readonly log: Log;
  /** Multiplies all time-outs. Default: 1. Tests run on loaded machines. */
  readonly patience?: number;
}

/** The cluster's database: the state that hosts share, who of them lives, who owns which resource, and deployed archives. */
export interface PostgresStore extends Store {
  readonly leases: PostgresLeases;
  readonly owners: PostgresOwners;
  readonly archives: PostgresArchives;
  /** undefined = the database has no tables of Lever. */
  cluster(): Promise<ClusterIdentity | undefined>;
  /** Creates the tables in an empty database. The cluster is not founded until `fill`. */
  createTables(cluster: { id: string; keyId: string; format?: number }): Promise<void>;
  /** See `database-clock.ts`. */
  clockAheadMs(wallTime: () => number): Promise<number>;
  /** See `postgres-format.ts`. */
  raiseFormat(): Promise<number>;
  /** See `takeOver` of the schema. */
  takeOver(cluster: { id: string; keyId: string }): Promise<boolean>;
  /** The last step of founding. False = another host has taken over. */
  fill(
    cluster: { id: string; revision: number; epoch: number },
    tables: readonly TableRows[],
  ): Promise<boolean>;
  /** See `restoreState`. */
  restore(state: RestoredState): Promise<void>;
  /** The feed of changes for a replica, which must still be started. At most one. */
  follow(replica: Replica): PostgresFeed;
  /** Everything at one revision, for a replica that begins or was left behind. */
  snapshot<Result>(use: (snapshot: Snapshot) => Promise<Result>): Promise<Result>;
}

const SESSIONS = { state: 2, leases: 1, owners: 4, archives: 1, feed: 1 };
/** Connections of one host. */
export const SESSIONS_MAX: number = Object.values(SESSIONS).reduce((sum, of) => sum + of, 0);

/**
 * Opens the cluster's database, and connects with the first use. It has up to `SESSIONS_MAX` connections: changes, renewals and
 * claims never wait for each other.
 * @throws LeverError `malformed_request` for a URL
 */
export async function openPostgresStore(options: PostgresOptions): Promise<PostgresStore> {
  const { clock, log, memory, patience = 1 } = options;
  const addresses = options.urls.map(parseDatabaseUrl);
  const servers = await PostgresServers.open({ addresses, memory, clock, log, patience });
  const pool = (sessionsMax: number): PostgresPool => new PostgresPool(servers, { sessionsMax });
  const state = pool(SESSIONS.state);
  const commits = new PostgresCommits(state, clock);
  let feed: PostgresFeed | undefined;
  return {
    ...postgresReads(state),
    leases: new PostgresLeases(pool(SESSIONS.leases)),
    owners: new PostgresOwners(pool(SESSIONS.owners)),
    archives: new PostgresArchives(pool(SESSIONS.archives)),
    cluster: () => state.use("read the cluster", readCluster),
    createTables: ({ format = SHARED_VERSIONS.formats.newest, ...cluster }) =>
      state.use("create the tables", (session) => createTables(session, { ...cluster, format })),
    clockAheadMs: (wallTime) =>
      state.use("read the clock", (session) => clockAheadMs(session, wallTime)),
    raiseFormat: () => state.use("raise the format", raiseFormat),
    takeOver: (cluster) => state.use("found the cluster", (session) => takeOver(session, cluster)),
    fill: (cluster, tables) =>
      state.use("found the cluster", (session) => fillCluster(session, cluster, tables)),
    restore: (given) => state.use("restore the backup", (session) => restoreState(session, given)),
    async commit(change, expected) {
      const result = await commits.commit(change, expected);
      if (result.outcome === "written") feed?.wake();
      return result;
    },
    head: () => state.use("read the revision", readHead),
    changesAfter: (revision, most) =>
      state.use("read changes", async (session) => {
        const changes = (await session.query(AFTER, [revision, most])).rows.map(storedChangeOf);
        const next = changes[0]?.revision ?? (await readHead(session)).revision + 1;
        return next === revision + 1 ? changes : "gone";
      }),
    follow(replica) {
      feed = new PostgresFeed({ servers, replica, clock, log });
      return feed;
    },
    snapshot: (use) => state.use("read the state", (session) => readSnapshot(session, use)),
    async close() {
      await feed?.close();
      await servers.close();
    },
  };
}

const HEAD = `
  SELECT c.revision, coalesce(n.nonce, '') AS nonce FROM cluster c LEFT JOIN changes n USING (revision)`;

async function readHead(session: PostgresSession): Promise<{ revision: number; nonce: string }> {
  const [row = {}] = (await session.query(HEAD)).rows;
  return { revision: numberOf(row["revision"]), nonce: textOf(row["nonce"]) };
}

const AFTER =
  "SELECT revision, nonce, value FROM changes WHERE revision > $1 ORDER BY revision LIMIT $2";
