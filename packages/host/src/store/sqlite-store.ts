import type { DatabaseSync } from "node:sqlite";
import { openDatabase } from "./open-database.ts";
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
import { prepareStatements } from "./statements.ts";
import type { Store } from "./store.ts";

const AUDIT_RECORDS_MAX = 10_000;

/**
 * The store of a single host: one SQLite file, locked while it is open, so that two hosts never use one data folder.
 * @throws StoreOpenError
 */
export function openSqliteStore(file: string): Store {
  const database = openDatabase(file);
  const statements = prepareStatements(database);
  // An array costs a tenth of an object, and these may be very many rows.
  statements.liveVersions.setReturnArrays(true);
  statements.codeIds.setReturnArrays(true);
  return {
    environments: async () => statements.environments.all().map(environmentOf),
    async putEnvironment({ environment, corsOrigins, isPublic, network }) {
      const [origins, policy] = [JSON.stringify(corsOrigins), JSON.stringify(network)];
      statements.putEnvironment.run(environment, origins, isPublic ? 1 : 0, policy);
    },
    async removeEnvironment(environment) {
      inTransaction(database, () => {
        statements.removeVariables.run(environment);
        statements.removeVersions.run(environment);
        statements.removeServices.run(environment);
        statements.removeEnvironment.run(environment);
      });
    },
    variables: async (environment) => statements.variables.all(environment).map(variableOf),
    async putVariables(records) {
      inTransaction(database, () => {
        for (const { environment, service, name, value, isSecret, setAt } of records) {
          statements.putVariable.run(environment, service, name, value, isSecret ? 1 : 0, setAt);
        }
      });
    },
    removeVariable: async (environment, service, name) =>
      statements.removeVariable.run(environment, service, name).changes === 1,
    tokens: async () => statements.tokens.all().map(tokenOf),
    async putToken({ id, hash, environments, rights, note, createdAt, expiresAt = null }) {
      const [names, granted] = [JSON.stringify(environments), JSON.stringify(rights)];
      statements.putToken.run(id, hash, names, granted, note, createdAt, expiresAt);
    },
    async removeToken(id) {
      statements.removeToken.run(id);
    },
    async addAudit({ at, principal, method, environment, target, outcome }) {
      inTransaction(database, () => {
        statements.addAudit.run(at, principal, method, environment, target, outcome);
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
    publishVersion: async (record, { versionsKeptMax }) => {
      const { environment, service, version } = record;
      return inTransaction(database, () => {
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
      const { changes } = statements.makeLive.run(version, environment, service, version);
      if (changes !== 1) throw new Error(`There is no version ${version} of ${service}.`);
    },
    async codeIds() {
      const codeIds = new Set<string>();
      for (const row of statements.codeIds.iterate()) codeIds.add(textOf(arrayOf(row)[0]));
      return codeIds;
    },
    async readHostValue(name) {
      const value = statements.hostValue.get(name)?.["value"];
      return value === undefined ? undefined : textOf(value);
    },
    async writeHostValue(name, value) {
      statements.putHostValue.run(name, value);
    },
    async close() {
      if (database.isOpen) database.close();
    },
  };
}

/** T2. */
function inTransaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
}
