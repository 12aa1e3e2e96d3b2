import type { DatabaseSync } from "node:sqlite";
import { LeverError } from "@leveros/protocol";
import { sqliteCode, systemReason } from "../logs/system-reason.ts";
import { copyDatabase } from "./copy-database.ts";
import type { HostNotes } from "./host-notes.ts";
import { type DatabaseOptions, openDatabase, openError } from "./open-database.ts";
import {
  arrayOf,
  auditOf,
  environmentOf,
  numberOf,
  textOf,
  tokenOf,
  variableOf,
  versionOf,
  versionOfArray,
} from "./rows.ts";
import { noteRemoval, noteServiceRemoval, sqliteNotes } from "./sqlite-notes.ts";
import { prepareStatements, type Statements } from "./statements.ts";
import type { Store } from "./store.ts";

const AUDIT_RECORDS_MAX = 10_000;

/** The store of one host, in a file that also has the host's own notes. */
export interface SqliteStore extends Store {
  readonly notes: HostNotes;
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
  // An array costs a tenth of an object, and these may be very many rows.
  statements.liveVersions.setReturnArrays(true);
  statements.codeIds.setReturnArrays(true);
  return {
    notes: sqliteNotes(statements, write),
    environments: async () => statements.environments.all().map(environmentOf),
    async putEnvironment({ environment, corsOrigins, isPublic, network }) {
      const [origins, policy] = [JSON.stringify(corsOrigins), JSON.stringify(network)];
      write(() => statements.putEnvironment.run(environment, origins, isPublic ? 1 : 0, policy));
    },
    async removeEnvironment(environment) {
      write(() => {
        statements.removeVariables.run(environment);
        statements.removeVersions.run(environment);
        statements.removeServices.run(environment);
        statements.removeEnvironment.run(environment);
        noteRemoval(statements, environment);
      });
    },
    async removeService(environment, service, { keepsData }) {
      write(() => {
        statements.removeVersionsOf.run(environment, service);
        statements.removeService.run(environment, service);
        if (keepsData) return;
        statements.removeVariablesOf.run(environment, service);
        noteServiceRemoval(statements, environment, service);
      });
    },
    variables: async (environment) => statements.variables.all(environment).map(variableOf),
    secrets: async (most) => statements.secrets.all(most).map(variableOf),
    async putVariables(records) {
      write(() => {
        for (const { environment, service, name, value, isSecret, setAt } of records) {
          statements.putVariable.run(environment, service, name, value, isSecret ? 1 : 0, setAt);
        }
      });
    },
    removeVariable: async (environment, service, name) =>
      write(() => statements.removeVariable.run(environment, service, name)).changes === 1,
    tokens: async () => statements.tokens.all().map(tokenOf),
    async putToken({ id, hash, environments, rights, note, createdAt, expiresAt = null }) {
      const [names, granted] = [JSON.stringify(environments), JSON.stringify(rights)];
      write(() => statements.putToken.run(id, hash, names, granted, note, createdAt, expiresAt));
    },
    async removeToken(id) {
      write(() => statements.removeToken.run(id));
    },
    async addAudit({ at, principal, method, environment, target, version = null, outcome }) {
      write(() => {
        statements.addAudit.run(at, principal, method, environment, target, version, outcome);
        statements.trimAudit.run(AUDIT_RECORDS_MAX);
      });
    },
    audit: async (most) => statements.audit.all(most).map(auditOf).reverse(),
    async *liveVersions() {
      for (const row of statements.liveVersions.iterate()) yield versionOfArray(row);
    },
    versions: async (environment) => statements.versions.all(environment).map(versionOf),
    nextVersion: async (environment, service) =>
      numberOf(statements.lastVersion.get(environment, service)?.["lastVersion"] ?? 0) + 1,
    async spendVersion(environment, service, version) {
      write(() => statements.spendVersion.run(environment, service, version));
    },
    publishVersion: async (record, { versionsKeptMax }) => {
      const { environment, service, version } = record;
      return write(() => {
        statements.insertVersion.run(
          environment,
          service,
          version,
          record.codeId,
          JSON.stringify(record.leverJson),
          JSON.stringify(record.methods),
          record.archiveBytes,
          record.unpackedBytes,
          record.deployedAt,
        );
        statements.putLive.run(environment, service, version, version);
        const beyond = statements.versionsBeyond
          .all(environment, service, versionsKeptMax)
          .map(versionOf);
        for (const old of beyond) {
          statements.deleteVersion.run(environment, service, old.version);
        }
        return beyond;
      });
    },
    async makeLive(environment, service, version) {
      const { changes } = write(() =>
        statements.makeLive.run(version, environment, service, version),
      );
      if (changes !== 1) throw new Error(`There is no version ${version} of ${service}.`);
    },
    async removeVersion(environment, service, version) {
      const { changes } = write(() => statements.removeVersion.run(environment, service, version));
      if (changes !== 1) throw new Error(`There is no version ${version} of ${service} to remove.`);
    },
    async codeIds() {
      const codeIds = new Set<string>();
      for (const row of statements.codeIds.iterate()) codeIds.add(textOf(arrayOf(row)[0]));
      return codeIds;
    },
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
