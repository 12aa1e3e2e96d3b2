import { LeverError } from "@leveros/protocol";
import type { TableRows } from "../store/replace-state.ts";
import { numberOf, type Row, textOf } from "../store/rows.ts";
import { otherFormat } from "./postgres-format.ts";
import type { PostgresSession } from "./postgres-session.ts";
import { SHARED_VERSIONS, type VersionRange } from "./shared-versions.ts";

/**
 * Tables and columns of the state are those of a SQLite store: the same statements write both. `cluster` has one row: changes wait
 * for each other there. Rows that change often leave space for their next state in their page.
 */
const TABLES = `
  CREATE TABLE cluster (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    id text NOT NULL,
    generation integer NOT NULL DEFAULT 1,
    format integer NOT NULL,
    revision bigint NOT NULL DEFAULT 0,
    founded boolean NOT NULL DEFAULT false,
    keyId text NOT NULL
  ) WITH (fillfactor = 10);
  CREATE TABLE changes (
    revision bigint PRIMARY KEY,
    kind text NOT NULL,
    key text NOT NULL,
    value text NOT NULL,
    nonce text NOT NULL
  );
  CREATE TABLE revisions (key text PRIMARY KEY, revision bigint NOT NULL);

  CREATE TABLE environments (
    environment text PRIMARY KEY,
    corsOrigins text NOT NULL,
    isPublic integer NOT NULL,
    network text NOT NULL
  );
  CREATE TABLE services (
    environment text NOT NULL,
    service text NOT NULL,
    liveVersion bigint NOT NULL,
    lastVersion bigint NOT NULL,
    PRIMARY KEY (environment, service)
  );
  CREATE TABLE versions (
    environment text NOT NULL,
    service text NOT NULL,
    version bigint NOT NULL,
    codeId text NOT NULL,
    leverJson text NOT NULL,
    methods text NOT NULL,
    archiveBytes bigint NOT NULL,
    unpackedBytes bigint NOT NULL,
    deployedAt text NOT NULL,
    PRIMARY KEY (environment, service, version)
  );
  CREATE TABLE variables (
    environment text NOT NULL,
    service text NOT NULL,
    name text NOT NULL,
    value text NOT NULL,
    isSecret integer NOT NULL,
    setAt text NOT NULL,
    PRIMARY KEY (environment, service, name)
  );
  CREATE TABLE routes (
    host text NOT NULL,
    path text NOT NULL,
    environment text NOT NULL,
    service text NOT NULL,
    PRIMARY KEY (host, path)
  );
  CREATE TABLE tokens (
    id text PRIMARY KEY,
    hash text NOT NULL,
    environments text NOT NULL,
    rights text NOT NULL,
    note text NOT NULL,
    createdAt bigint NOT NULL,
    expiresAt bigint,
    number bigint GENERATED ALWAYS AS IDENTITY
  );
  CREATE TABLE audit (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at bigint NOT NULL,
    principal text NOT NULL,
    method text NOT NULL,
    environment text NOT NULL,
    target text NOT NULL,
    outcome text NOT NULL,
    version bigint
  );

  CREATE TABLE archives (codeId text PRIMARY KEY, sha256 text, bytes bigint, storedAt timestamptz NOT NULL DEFAULT clock_timestamp());
  CREATE TABLE archive_parts (
    codeId text NOT NULL REFERENCES archives ON DELETE CASCADE,
    part integer NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (codeId, part)
  );
  ALTER TABLE archive_parts ALTER bytes SET STORAGE EXTERNAL;

  CREATE TABLE hosts (
    id text PRIMARY KEY,
    incarnation bigint NOT NULL,
    name text NOT NULL,
    address text NOT NULL,
    fingerprint text NOT NULL,
    state text NOT NULL CHECK (state IN ('active', 'fenced', 'left', 'removed')),
    -- Set by the operator; it outlives restarts of the host.
    draining boolean NOT NULL DEFAULT false,
    -- Told by the host with each renewal: it drains, and has no instance and no resource left.
    idle boolean NOT NULL DEFAULT false,
    renewal bigint NOT NULL DEFAULT 0,
    renewedAt timestamptz NOT NULL DEFAULT clock_timestamp(),
    appliedRevision bigint NOT NULL,
    version text NOT NULL,
    formatOldest integer NOT NULL,
    formatNewest integer NOT NULL,
    linkOldest integer NOT NULL,
    linkNewest integer NOT NULL
  ) WITH (fillfactor = 20);
  -- A claim locks its host's row FOR KEY SHARE. With this index a change of the state waits for claims, and a renewal does not.
  CREATE UNIQUE INDEX ON hosts (id, incarnation, state);
  CREATE SEQUENCE epochs AS bigint CACHE 1;
  CREATE TABLE owners (
    -- Names of resources are too long for an index.
    key text PRIMARY KEY,
    environment text NOT NULL,
    service text NOT NULL,
    resource text NOT NULL,
    host text NOT NULL,
    incarnation bigint NOT NULL,
    epoch bigint NOT NULL,
    released boolean NOT NULL DEFAULT false
  ) WITH (fillfactor = 70);
  CREATE INDEX ON owners (host, incarnation) WHERE NOT released;
`;

export interface ClusterIdentity {
  readonly id: string;
  /** Grows with each restore. */
  readonly generation: number;
  /** A host has copied its state here, or begun with nothing. */
  readonly isFounded: boolean;
  /** The key that its secrets are sealed with (`ClusterKey.id`). */
  readonly keyId: string;
}

/**
 * Creates the tables in a database that has none, for the cluster with this id and key. It is not founded yet.
 * @throws the error of the database
 */
export async function createTables(
  session: PostgresSession,
  { id, keyId, format }: { id: string; keyId: string; format: number },
): Promise<void> {
  const insert = "INSERT INTO cluster (id, format, keyId) VALUES ($1, $2, $3)";
  const outcome = await session.inTransaction(async () => {
    await session.query("CREATE SCHEMA lever");
    await session.query(TABLES);
    await session.query(insert, [id, format, keyId]);
    return await session.commit();
  });
  if (outcome === "unknown") throw new Error("The connection broke at COMMIT.");
}

/**
 * The cluster in the database; undefined = there are no tables yet.
 * @throws LeverError `unavailable` for a format that is not in the range; the error of the database
 */
export async function readCluster(
  session: PostgresSession,
  { oldest, newest }: VersionRange = SHARED_VERSIONS.formats,
): Promise<ClusterIdentity | undefined> {
  const { rows: tables } = await session.query(
    "SELECT to_regclass('lever.cluster')::text AS found",
  );
  if (tables[0]?.["found"] === null) return undefined;
  const { rows } = await session.query(
    "SELECT id, generation, format, founded, keyId FROM cluster",
  );
  const [row = {}] = rows;
  const format = numberOf(row["format"]);
  if (format < oldest || format > newest) {
    throw new LeverError("unavailable", otherFormat(format, { oldest, newest }));
  }
  return {
    id: textOf(row["id"]),
    generation: numberOf(row["generation"]),
    isFounded: row["founded"] === true,
    keyId: textOf(row["keyId"]),
  };
}

/** Makes a cluster that was not founded completely that of this host. It has no state yet. False = it is founded. */
export async function takeOver(
  session: PostgresSession,
  { id, keyId }: { id: string; keyId: string },
): Promise<boolean> {
  const update = "UPDATE cluster SET id = $1, keyId = $2 WHERE NOT founded";
  return (await session.query(update, [id, keyId])).count === 1;
}

/**
 * The last step of founding: the state of a host becomes that of the cluster, in one transaction. False = another host has taken
 * over.
 * @throws the error of the database
 */
export async function fillCluster(
  session: PostgresSession,
  { id, revision, epoch }: { id: string; revision: number; epoch: number },
  tables: readonly TableRows[],
): Promise<boolean> {
  return await session.inTransaction(async () => {
    const { count } = await session.query(
      "UPDATE cluster SET founded = true, revision = $2 WHERE id = $1 AND NOT founded",
      [id, revision],
    );
    if (count === 0) {
      await session.rollback();
      return false;
    }
    await insertTables(session, tables);
    await raiseEpochs(session, epoch);
    if ((await session.commit()) === "unknown") throw new Error("The connection broke at COMMIT.");
    return true;
  });
}

/** Epochs that are given from now on are higher than this one. */
export async function raiseEpochs(session: PostgresSession, epoch: number): Promise<void> {
  await session.query(
    "SELECT setval('epochs', greatest(last_value, $1::bigint), true) FROM epochs",
    [Math.max(1, epoch)],
  );
}

/** @throws the error of the database */
export async function insertTables(
  session: PostgresSession,
  tables: readonly TableRows[],
): Promise<void> {
  for (const { table, rows } of tables) {
    for (let at = 0; at < rows.length; at += ROWS_AT_ONCE) {
      await insertRows(session, table, rows.slice(at, at + ROWS_AT_ONCE));
    }
  }
}

/** Below PostgreSQL's 65,535 values of one statement. */
const ROWS_AT_ONCE = 1_000;

async function insertRows(
  session: PostgresSession,
  table: string,
  rows: readonly Row[],
): Promise<void> {
  const columns = Object.keys(rows[0] ?? {});
  const places = rows.map((_, row) => {
    const of = columns.map((_, column) => `$${row * columns.length + column + 1}`);
    return `(${of.join(", ")})`;
  });
  await session.query(
    `INSERT INTO ${table} (${columns.join(", ")}) VALUES ${places.join(", ")}`,
    rows.flatMap((row) => columns.map((column) => row[column])),
  );
}
