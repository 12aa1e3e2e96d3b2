import type { DatabaseSync, StatementSync } from "node:sqlite";

/** All SQL of a SQLite store except its schema, and what changes write. */
const sql = {
  environments:
    "SELECT environment, corsOrigins, isPublic, network FROM environments ORDER BY environment",

  variables: `
    SELECT environment, service, name, value, isSecret, setAt FROM variables
    WHERE environment = ? ORDER BY service, name`,
  secrets: `
    SELECT environment, service, name, value, isSecret, setAt FROM variables
    WHERE isSecret = 1 ORDER BY environment, service, name LIMIT ?`,

  routes: "SELECT host, path, environment, service FROM routes ORDER BY host, path",

  tokens:
    "SELECT id, hash, environments, rights, note, createdAt, expiresAt FROM tokens ORDER BY rowid",

  audit: `
    SELECT at, principal, method, environment, target, version, outcome FROM audit
    ORDER BY number DESC LIMIT ?`,

  liveVersions: `
    SELECT v.* FROM versions v JOIN services s
    ON v.environment = s.environment AND v.service = s.service AND v.version = s.liveVersion`,
  versions: "SELECT * FROM versions WHERE environment = ? ORDER BY service, version DESC",
  numbers: "SELECT liveVersion, lastVersion FROM services WHERE environment = ? AND service = ?",
  codeIds: "SELECT codeId FROM versions",

  revision: "SELECT revision FROM revisions WHERE key = ?",
  head: "SELECT revision, nonce FROM changes ORDER BY revision DESC LIMIT 1",
  changesAfter:
    "SELECT revision, nonce, value FROM changes WHERE revision > ? ORDER BY revision LIMIT ?",

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
