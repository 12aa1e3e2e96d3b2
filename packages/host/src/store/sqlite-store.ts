import type { DatabaseSync } from "node:sqlite";
import { LeverError } from "@leveros/protocol";
import { sqliteCode, systemReason } from "../logs/system-reason.ts";
import type { AppliedChange, Change, StoredChange } from "./change.ts";
import { copyDatabase } from "./copy-database.ts";
import type { HostNotes } from "./host-notes.ts";
import { type DatabaseOptions, openDatabase, openError } from "./open-database.ts";
import { readState, replaceState, type TableRows } from "./replace-state.ts";
import {
  arrayOf,
  auditOf,
  environmentOf,
  numberOf,
  routeOf,
  textOf,
  tokenOf,
  variableOf,
  versionOf,
  versionOfArray,
} from "./rows.ts";
import { SqliteChanges, type SqliteCommitResult } from "./sqlite-changes.ts";
import { sqliteNotes } from "./sqlite-notes.ts";
import { prepareStatements, type Statements } from "./statements.ts";
import type { Store } from "./store.ts";

/** The store of one host, in a file that also has the host's own notes. */
export interface SqliteStore extends Store {
  readonly notes: HostNotes;
  commit(change: Change, expected?: number): Promise<SqliteCommitResult>;
  /** Applies a change that another store has, as the next one of this store. One transaction. */
  follow(stored: StoredChange): Promise<AppliedChange>;
  /** Everything but the notes and the last changes, for another store. */
  readState(): Promise<readonly TableRows[]>;
  /** Replaces everything but the notes by the rows of another store. One transaction. */
  replaceState(tables: readonly TableRows[]): Promise<void>;
  /** Replaces the file with a complete copy of the store. Other work goes on meanwhile. */
  copyTo(file: string): Promise<void>;
  /** There is a version, a token or a variable. */
  hasContent(): Promise<boolean>;
  /** Grows with each write since the store was opened. */
  writes(): number;
}

/**
 * The store of a single host: one SQLite file, locked while it is open, so that two hosts never use one data folder.
 * @throws StoreOpenError; the system's error when the file cannot be read or written.
 */
export function openSqliteStore(file: string, options: DatabaseOptions = {}): SqliteStore {
  const database = openDatabase(file, options);
  const statements = prepareAll(database, file);
  const write = <T>(work: () => T): T => inTransaction(database, work);
  const changes = new SqliteChanges(database, statements, write);
  // An array costs a tenth of an object, and these may be very many rows.
  statements.liveVersions.setReturnArrays(true);
  statements.codeIds.setReturnArrays(true);
  return {
    notes: sqliteNotes(statements, write),
    environments: async () => statements.environments.all().map(environmentOf),
    variables: async (environment) => statements.variables.all(environment).map(variableOf),
    secrets: async (most) => statements.secrets.all(most).map(variableOf),
    routes: async () => statements.routes.all().map(routeOf),
    tokens: async () => statements.tokens.all().map(tokenOf),
    audit: async (most) => statements.audit.all(most).map(auditOf).reverse(),
    async *liveVersions() {
      for (const row of statements.liveVersions.iterate()) yield versionOfArray(row);
    },
    versions: async (environment) => statements.versions.all(environment).map(versionOf),
    async numbersOf(environment, service) {
      const { liveVersion = 0, lastVersion = 0 } =
        statements.numbers.get(environment, service) ?? {};
      return { live: numberOf(liveVersion), last: numberOf(lastVersion) };
    },
    async codeIds() {
      const codeIds = new Set<string>();
      for (const row of statements.codeIds.iterate()) codeIds.add(textOf(arrayOf(row)[0]));
      return codeIds;
    },
    revisionOf: async (key) => changes.revisionOf(key),
    head: async () => changes.head(),
    changesAfter: async (revision, most) => changes.after(revision, most),
    commit: async (change, expected) => changes.commit(change, expected),
    follow: async (stored) => changes.apply(stored),
    readState: async () => readState(database),
    replaceState: async (tables) => write(() => replaceState(database, tables)),
    copyTo: async (path) => await copyDatabase(database, path),
    hasContent: async () => statements.hasContent.get() !== undefined,
    writes: () => numberOf(statements.writes.get()?.["writes"]),
    async close() {
      if (database.isOpen) database.close();
    },
  };
}

function prepareAll(database: DatabaseSync, file: string): Statements {
  try {
    return prepareStatements(database);
  } catch (error) {
    database.close();
    throw openError(error, file);
  }
}

/** T2. @throws LeverError `unavailable` when the system or SQLite refuses the write. */
function inTransaction<T>(database: DatabaseSync, work: () => T): T {
  try {
    database.exec("BEGIN IMMEDIATE");
    const result = work();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    // After some errors, such as that of a full disk, SQLite itself has rolled back.
    if (database.isTransaction) database.exec("ROLLBACK");
    throw writeError(error);
  }
}

/** https://www.sqlite.org/rescode.html: another row has the key, or the statement is wrong. */
const OWN_CODES: ReadonlySet<number | undefined> = new Set([1, 19]);

function writeError(error: unknown): unknown {
  const reason = systemReason(error);
  if (reason === undefined || OWN_CODES.has(sqliteCode(error))) return error;
  return new LeverError("unavailable", `Cannot write to Lever's database: ${reason}.`, {
    cause: error,
  });
}
