import { chmodSync, closeSync, existsSync, openSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { LeverError, type LeverJson, type NetworkPolicy } from "@leveros/protocol";
import type {
  AuditRecord,
  EnvironmentRecord,
  Store,
  TokenRecord,
  VariableRecord,
  VersionRecord,
} from "./store.ts";

/** What brings a store from each version of its schema to the next, the first from nothing. */
const MIGRATIONS = [
  `
  CREATE TABLE environments (
    environment TEXT PRIMARY KEY,
    corsOrigins TEXT NOT NULL
  ) STRICT;
  CREATE TABLE services (
    environment TEXT NOT NULL,
    service TEXT NOT NULL,
    liveVersion INTEGER NOT NULL,
    lastVersion INTEGER NOT NULL,
    PRIMARY KEY (environment, service)
  ) STRICT;
  CREATE TABLE versions (
    environment TEXT NOT NULL,
    service TEXT NOT NULL,
    version INTEGER NOT NULL,
    codeId TEXT NOT NULL,
    leverJson TEXT NOT NULL,
    methods TEXT NOT NULL,
    archiveBytes INTEGER NOT NULL,
    unpackedBytes INTEGER NOT NULL,
    deployedAt TEXT NOT NULL,
    PRIMARY KEY (environment, service, version)
  ) STRICT;
  CREATE TABLE notes (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
`,
  `
  CREATE TABLE variables (
    environment TEXT NOT NULL,
    service TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    isSecret INTEGER NOT NULL,
    setAt TEXT NOT NULL,
    PRIMARY KEY (environment, service, name)
  ) STRICT;
`,
  `
  ALTER TABLE environments ADD COLUMN isPublic INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE environments ADD COLUMN network TEXT NOT NULL DEFAULT '"internet"';
  CREATE TABLE tokens (id TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT;
  CREATE TABLE audit (number INTEGER PRIMARY KEY AUTOINCREMENT, record TEXT NOT NULL) STRICT;
`,
];

/** Changes that are remembered. */
const AUDIT_MAX = 10_000;

const SCHEMA_VERSION = MIGRATIONS.length;

const VERSION_COLUMNS =
  "v.environment, v.service, v.version, v.codeId, v.leverJson, v.methods, v.archiveBytes, v.unpackedBytes, v.deployedAt";

/**
 * The store of a single host: one SQLite file. It is locked for as long as it is open, so that no two hosts ever work
 * on one data folder.
 * @throws LeverError `unavailable` when another host has it open, or when a newer Lever wrote it.
 */
export function openSqliteStore(file: string): Store {
  const database = openLocked(file);
  const statements = prepare(database);
  const transaction = <T>(work: () => T): T => {
    database.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      database.exec("COMMIT");
      return result;
    } catch (error) {
      database.exec("ROLLBACK");
      throw error;
    }
  };
  return {
    environments: async () => statements.environments.all().map(environmentOf),
    async putEnvironment({ environment, corsOrigins, isPublic, network }) {
      const [origins, reach] = [JSON.stringify(corsOrigins), JSON.stringify(network)];
      statements.putEnvironment.run(environment, origins, isPublic ? 1 : 0, reach);
    },
    tokens: async () => statements.tokens.all().map((row) => recordOf<TokenRecord>(row)),
    async putToken(record) {
      statements.putToken.run(record.id, JSON.stringify(record));
    },
    async removeToken(id) {
      statements.removeToken.run(id);
    },
    async addAudit(record) {
      transaction(() => {
        statements.addAudit.run(JSON.stringify(record));
        statements.trimAudit.run(AUDIT_MAX);
      });
    },
    audit: async (most) =>
      statements.audit
        .all(most)
        .map((row) => recordOf<AuditRecord>(row))
        .reverse(),
    async removeEnvironment(environment) {
      transaction(() => {
        statements.removeVariables.run(environment);
        statements.removeVersions.run(environment);
        statements.removeServices.run(environment);
        statements.removeEnvironment.run(environment);
      });
    },
    variables: async (environment) => statements.variables.all(environment).map(variableOf),
    async putVariable({ environment, service, name, value, isSecret, setAt }) {
      statements.putVariable.run(environment, service, name, value, isSecret ? 1 : 0, setAt);
    },
    removeVariable: async (environment, service, name) =>
      statements.removeVariable.run(environment, service, name).changes === 1,
    async *liveVersions() {
      // Rows as arrays cost a tenth of rows as objects, and there may be very many.
      statements.liveVersions.setReturnArrays(true);
      for (const row of statements.liveVersions.iterate()) yield versionOf(namedColumns(row));
    },
    versions: async (environment) => statements.versions.all(environment).map(versionOf),
    nextVersion: async (environment, service) =>
      numberOf(statements.lastVersion.get(environment, service)?.["lastVersion"] ?? 0) + 1,
    async publishVersion(record, { versionsKeptMax }) {
      const { environment, service, version } = record;
      return transaction(() => {
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
      statements.codeIds.setReturnArrays(true);
      for (const row of statements.codeIds.iterate() as Iterable<unknown>) {
        codeIds.add(textOf((row as unknown[])[0]));
      }
      return codeIds;
    },
    async readHostValue(name) {
      const value = statements.note.get(name)?.["value"];
      return value === undefined ? undefined : textOf(value);
    },
    async writeHostValue(name, value) {
      statements.putNote.run(name, value);
    },
    async close() {
      if (database.isOpen) database.close();
    },
  };
}

function openLocked(file: string): DatabaseSync {
  // SQLite gives what it makes beside the file the same mode.
  closeSync(openSync(file, "a", 0o600));
  for (const path of [file, `${file}-wal`, `${file}-shm`])
    if (existsSync(path)) chmodSync(path, 0o600);
  const database = new DatabaseSync(file);
  try {
    // T1: WAL with synchronous = FULL syncs the log at each commit. The exclusive lock is taken by the first write,
    // held until the end, and freed by the system when the process dies.
    database.exec(
      "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; BEGIN EXCLUSIVE; COMMIT;",
    );
    const found = numberOf(database.prepare("PRAGMA user_version").get()?.["user_version"] ?? 0);
    if (found > SCHEMA_VERSION) {
      throw new LeverError(
        "unavailable",
        `Cannot open the store ${file}: a newer Lever wrote it (its schema is ${found}, this Lever knows ${SCHEMA_VERSION}).`,
      );
    }
    for (const [index, migration] of MIGRATIONS.entries()) {
      if (index < found) continue;
      database.exec(`BEGIN; ${migration} PRAGMA user_version = ${index + 1}; COMMIT;`);
    }
    return database;
  } catch (error) {
    database.close();
    if (error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY) {
      throw new LeverError(
        "unavailable",
        `Cannot open the store ${file}: another Lever host has it open.`,
        {
          cause: error,
        },
      );
    }
    throw error;
  }
}

/** https://www.sqlite.org/rescode.html#busy */
const SQLITE_BUSY = 5;

/** All SQL of the store. */
function prepare(
  database: DatabaseSync,
): Record<
  | "tokens"
  | "putToken"
  | "removeToken"
  | "addAudit"
  | "trimAudit"
  | "audit"
  | "environments"
  | "putEnvironment"
  | "removeEnvironment"
  | "removeServices"
  | "removeVersions"
  | "removeVariables"
  | "variables"
  | "putVariable"
  | "removeVariable"
  | "liveVersions"
  | "versions"
  | "lastVersion"
  | "insertVersion"
  | "putLive"
  | "makeLive"
  | "versionsBeyond"
  | "deleteVersion"
  | "codeIds"
  | "note"
  | "putNote",
  StatementSync
> {
  const sql = (text: string): StatementSync => database.prepare(text);
  return {
    environments: sql(
      "SELECT environment, corsOrigins, isPublic, network FROM environments ORDER BY environment",
    ),
    putEnvironment: sql(
      `INSERT INTO environments VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE
       SET corsOrigins = excluded.corsOrigins, isPublic = excluded.isPublic, network = excluded.network`,
    ),
    tokens: sql("SELECT record FROM tokens ORDER BY rowid"),
    putToken: sql("INSERT INTO tokens VALUES (?, ?)"),
    removeToken: sql("DELETE FROM tokens WHERE id = ?"),
    addAudit: sql("INSERT INTO audit (record) VALUES (?)"),
    trimAudit: sql("DELETE FROM audit WHERE number <= (SELECT max(number) FROM audit) - ?"),
    audit: sql("SELECT record FROM audit ORDER BY number DESC LIMIT ?"),
    removeEnvironment: sql("DELETE FROM environments WHERE environment = ?"),
    removeServices: sql("DELETE FROM services WHERE environment = ?"),
    removeVersions: sql("DELETE FROM versions WHERE environment = ?"),
    removeVariables: sql("DELETE FROM variables WHERE environment = ?"),
    variables: sql(
      "SELECT environment, service, name, value, isSecret, setAt FROM variables WHERE environment = ? ORDER BY service, name",
    ),
    putVariable: sql(
      `INSERT INTO variables VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE
       SET value = excluded.value, isSecret = excluded.isSecret, setAt = excluded.setAt`,
    ),
    removeVariable: sql("DELETE FROM variables WHERE environment = ? AND service = ? AND name = ?"),
    liveVersions: sql(
      `SELECT ${VERSION_COLUMNS} FROM versions v JOIN services s
       ON v.environment = s.environment AND v.service = s.service AND v.version = s.liveVersion`,
    ),
    versions: sql(
      `SELECT ${VERSION_COLUMNS} FROM versions v WHERE environment = ? ORDER BY service, version DESC`,
    ),
    lastVersion: sql("SELECT lastVersion FROM services WHERE environment = ? AND service = ?"),
    insertVersion: sql("INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"),
    putLive: sql(
      `INSERT INTO services VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET liveVersion = excluded.liveVersion, lastVersion = excluded.lastVersion`,
    ),
    makeLive: sql(
      `UPDATE services SET liveVersion = ? WHERE environment = ? AND service = ?
       AND EXISTS (SELECT 1 FROM versions v WHERE v.environment = services.environment
         AND v.service = services.service AND v.version = ?)`,
    ),
    versionsBeyond: sql(
      `SELECT ${VERSION_COLUMNS} FROM versions v WHERE environment = ? AND service = ?
       ORDER BY version DESC LIMIT -1 OFFSET ?`,
    ),
    deleteVersion: sql(
      "DELETE FROM versions WHERE environment = ? AND service = ? AND version = ?",
    ),
    codeIds: sql("SELECT codeId FROM versions"),
    note: sql("SELECT value FROM notes WHERE name = ?"),
    putNote: sql(
      "INSERT INTO notes VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
    ),
  };
}

type Row = Readonly<Record<string, unknown>>;

function recordOf<Record>(row: Row): Record {
  return JSON.parse(textOf(row["record"])) as Record;
}

function environmentOf(row: Row): EnvironmentRecord {
  return {
    environment: textOf(row["environment"]),
    corsOrigins: JSON.parse(textOf(row["corsOrigins"])) as string[],
    isPublic: row["isPublic"] === 1,
    network: JSON.parse(textOf(row["network"])) as NetworkPolicy,
  };
}

function versionOf(row: Row): VersionRecord {
  return {
    environment: textOf(row["environment"]),
    service: textOf(row["service"]),
    version: numberOf(row["version"]),
    codeId: textOf(row["codeId"]),
    leverJson: JSON.parse(textOf(row["leverJson"])) as LeverJson,
    methods: JSON.parse(textOf(row["methods"])) as string[],
    archiveBytes: numberOf(row["archiveBytes"]),
    unpackedBytes: numberOf(row["unpackedBytes"]),
    deployedAt: textOf(row["deployedAt"]),
  };
}

/** A row of `VERSION_COLUMNS` that came as an array. */
function namedColumns(row: unknown): Readonly<Record<string, unknown>> {
  const [environment, service, version, codeId, leverJson, methods, ...rest] = row as unknown[];
  const [archiveBytes, unpackedBytes, deployedAt] = rest;
  const names = { environment, service, version, codeId, leverJson, methods };
  return { ...names, archiveBytes, unpackedBytes, deployedAt };
}

function variableOf(row: Readonly<Record<string, unknown>>): VariableRecord {
  return {
    environment: textOf(row["environment"]),
    service: textOf(row["service"]),
    name: textOf(row["name"]),
    value: textOf(row["value"]),
    isSecret: numberOf(row["isSecret"]) === 1,
    setAt: textOf(row["setAt"]),
  };
}

function textOf(value: unknown): string {
  if (typeof value !== "string") throw new Error("Cannot read the store: a text is missing.");
  return value;
}

function numberOf(value: unknown): number {
  if (typeof value !== "number") throw new Error("Cannot read the store: a number is missing.");
  return value;
}
