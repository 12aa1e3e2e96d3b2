import { numberOf, type Row, textOf } from "../store/rows.ts";
import type { FeedPosition } from "./postgres-feed.ts";
import type { PostgresSession } from "./postgres-session.ts";

/** Tables of the state, with the columns and the order in which a replica gets them. */
const TABLES = {
  environments: "SELECT * FROM environments",
  services: "SELECT * FROM services",
  versions: "SELECT * FROM versions",
  variables: "SELECT * FROM variables",
  routes: "SELECT * FROM routes",
  tokens:
    "SELECT id, hash, environments, rights, note, createdAt, expiresAt FROM tokens ORDER BY number",
  audit:
    "SELECT at, principal, method, environment, target, version, outcome FROM audit ORDER BY number",
  revisions: "SELECT * FROM revisions",
  // The last one: a store reads its position from there.
  changes: "SELECT * FROM changes WHERE revision = (SELECT revision FROM cluster)",
} as const;

const ROWS_AT_ONCE = 1_000;

/** Everything at one revision. */
export interface Snapshot {
  readonly position: FeedPosition;
  /** The rows of the tables, some at a time. They must be read before the connection is used for something else. */
  rows(): AsyncIterable<{ readonly table: string; readonly rows: readonly Row[] }>;
}

/** Reads everything in one transaction, which sees one revision. @throws the error of the database */
export async function readSnapshot<Result>(
  session: PostgresSession,
  use: (snapshot: Snapshot) => Promise<Result>,
): Promise<Result> {
  return await session.inTransaction(async () => {
    const { rows } = await session.query(`
      SELECT c.generation, c.revision, coalesce(n.nonce, '') AS nonce
      FROM cluster c LEFT JOIN changes n USING (revision)`);
    const [row = {}] = rows;
    const position = {
      generation: numberOf(row["generation"]),
      revision: numberOf(row["revision"]),
      nonce: textOf(row["nonce"]),
    };
    const result = await use({ position, rows: () => rowsOf(session) });
    await session.rollback();
    return result;
  }, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
}

async function* rowsOf(
  session: PostgresSession,
): AsyncGenerator<{ table: string; rows: readonly Row[] }, void, undefined> {
  for (const [table, query] of Object.entries(TABLES)) {
    await session.query(`DECLARE snapshot CURSOR FOR ${query}`);
    for (;;) {
      const { rows } = await session.query(`FETCH ${ROWS_AT_ONCE} FROM snapshot`);
      if (rows.length > 0) yield { table, rows };
      if (rows.length < ROWS_AT_ONCE) break;
    }
    await session.query("CLOSE snapshot");
  }
}
