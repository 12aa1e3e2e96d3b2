import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import type { Row } from "./rows.ts";

/** Rows of one table, as another store with the same tables has them. */
export interface TableRows {
  readonly table: string;
  readonly rows: readonly Row[];
}

/** The tables of the state. Everything else in the file is the host's own. */
const TABLES = [
  "environments",
  "services",
  "versions",
  "variables",
  "routes",
  "tokens",
  "audit",
  "revisions",
  "changes",
];

/** Everything but the changes, in the order in which a store without identities needs it. */
export function readState(database: DatabaseSync): readonly TableRows[] {
  return TABLES.filter((table) => table !== "changes").map((table) => ({
    table,
    rows: database
      .prepare(table === "audit" ? AUDIT : `SELECT * FROM ${table}`)
      .all()
      .map((row) => ({ ...row })),
  }));
}

/** Another store gives numbers of its own. */
const AUDIT =
  "SELECT at, principal, method, environment, target, version, outcome FROM audit ORDER BY number";

/**
 * Replaces the state in a database, inside a transaction. Data of services that are gone stays: whether they were removed with
 * it is not known.
 */
export function replaceState(database: DatabaseSync, all: readonly TableRows[]): void {
  for (const table of TABLES) database.exec(`DELETE FROM ${table}`);
  for (const { table, rows } of all) {
    const columns = Object.keys(rows[0] ?? {});
    if (!TABLES.includes(table) || !columns.every((name) => /^[a-zA-Z]+$/.test(name))) {
      throw new Error("Cannot replace the state: a table or a column has another name.");
    }
    if (columns.length === 0) continue;
    const insert = database.prepare(
      `INSERT INTO ${table} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`,
    );
    for (const row of rows) insert.run(...columns.map((name) => sqlValue(row[name])));
  }
}

function sqlValue(value: unknown): SQLInputValue {
  if (typeof value === "string" || typeof value === "number" || value === null) return value;
  throw new Error("Cannot replace the state: a value is neither a text nor a number.");
}
