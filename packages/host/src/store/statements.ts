import type { DatabaseSync, StatementSync } from "node:sqlite";

/** All SQL of a SQLite store except its schema. */
const sql = {
  environments:
    "SELECT environment, corsOrigins, isPublic, network FROM environments ORDER BY environment",
  putEnvironment: `
    INSERT INTO environments (environment, corsOrigins, isPublic, network) VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE
    SET corsOrigins = excluded.corsOrigins, isPublic = excluded.isPublic, network = excluded.network`,
  removeEnvironment: "DELETE FROM environments WHERE environment = ?",
  removeServices: "DELETE FROM services WHERE environment = ?",
  removeVersions: "DELETE FROM versions WHERE environment = ?",
  removeVariables: "DELETE FROM variables WHERE environment = ?",
  // Its last version stays: a later deploy of the name goes on counting.
  removeService: "UPDATE services SET liveVersion = 0 WHERE environment = ? AND service = ?",
  removeVersionsOf: "DELETE FROM versions WHERE environment = ? AND service = ?",
  removeVariablesOf: "DELETE FROM variables WHERE environment = ? AND service = ?",

  variables: `
    SELECT environment, service, name, value, isSecret, setAt FROM variables
    WHERE environment = ? ORDER BY service, name`,
  secrets: `
    SELECT environment, service, name, value, isSecret, setAt FROM variables
    WHERE isSecret = 1 ORDER BY environment, service, name LIMIT ?`,
  putVariable: `
    INSERT INTO variables (environment, service, name, value, isSecret, setAt) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE
    SET value = excluded.value, isSecret = excluded.isSecret, setAt = excluded.setAt`,
  removeVariable: "DELETE FROM variables WHERE environment = ? AND service = ? AND name = ?",

  tokens:
    "SELECT id, hash, environments, rights, note, createdAt, expiresAt FROM tokens ORDER BY rowid",
  putToken: `
    INSERT INTO tokens (id, hash, environments, rights, note, createdAt, expiresAt)
    VALUES (?, ?, ?, ?, ?, ?, ?)`,
  removeToken: "DELETE FROM tokens WHERE id = ?",

  addAudit: `
    INSERT INTO audit (at, principal, method, environment, target, version, outcome)
    VALUES (?, ?, ?, ?, ?, ?, ?)`,
  trimAudit: "DELETE FROM audit WHERE number <= (SELECT max(number) FROM audit) - ?",
  audit: `
    SELECT at, principal, method, environment, target, version, outcome FROM audit
    ORDER BY number DESC LIMIT ?`,

  liveVersions: `
    SELECT v.* FROM versions v JOIN services s
    ON v.environment = s.environment AND v.service = s.service AND v.version = s.liveVersion`,
  versions: "SELECT * FROM versions WHERE environment = ? ORDER BY service, version DESC",
  lastVersion: "SELECT lastVersion FROM services WHERE environment = ? AND service = ?",
  spendVersion: `
    INSERT INTO services (environment, service, liveVersion, lastVersion) VALUES (?, ?, 0, ?)
    ON CONFLICT DO UPDATE SET lastVersion = max(lastVersion, excluded.lastVersion)`,
  insertVersion: "INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
  putLive: `
    INSERT INTO services (environment, service, liveVersion, lastVersion) VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE
    SET liveVersion = excluded.liveVersion, lastVersion = excluded.lastVersion`,
  makeLive: `
    UPDATE services SET liveVersion = ? WHERE environment = ? AND service = ?
    AND EXISTS (SELECT 1 FROM versions v WHERE v.environment = services.environment
      AND v.service = services.service AND v.version = ?)`,
  versionsBeyond: `
    SELECT * FROM versions WHERE environment = ? AND service = ?
    ORDER BY version DESC LIMIT -1 OFFSET ?`,
  deleteVersion: "DELETE FROM versions WHERE environment = ? AND service = ? AND version = ?",
  removeVersion: `
    DELETE FROM versions WHERE environment = ?1 AND service = ?2 AND version = ?3
    AND NOT EXISTS (SELECT 1 FROM services s WHERE s.environment = ?1 AND s.service = ?2 AND s.liveVersion = ?3)`,
  codeIds: "SELECT codeId FROM versions",

  hostValue: "SELECT value FROM host_values WHERE name = ?",
  putHostValue: `
    INSERT INTO host_values (name, value) VALUES (?, ?)
    ON CONFLICT DO UPDATE SET value = excluded.value`,

  removeHostValue: "DELETE FROM host_values WHERE name = ?",
  unfinishedRemovals:
    "SELECT substr(name, length(?1) + 1) AS removed FROM host_values WHERE substr(name, 1, length(?1)) = ?1",

  hasContent:
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM versions) OR EXISTS (SELECT 1 FROM tokens) OR EXISTS (SELECT 1 FROM variables)",
  writes: "SELECT total_changes() AS writes",
} as const;

export type Statements = Readonly<Record<keyof typeof sql, StatementSync>>;

export function prepareStatements(database: DatabaseSync): Statements {
  const prepare = (name: keyof typeof sql): StatementSync => database.prepare(sql[name]);
  const names = Object.keys(sql) as (keyof typeof sql)[];
  return Object.fromEntries(names.map((name) => [name, prepare(name)])) as Statements;
}
