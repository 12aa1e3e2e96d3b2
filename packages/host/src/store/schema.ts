/**
 * The schema of SQLite stores, as the steps from each version to the next. Stores of versions before `OLDEST_VERSION` were
 * written by unreleased Levers, and are refused.
 */
const OLDEST_VERSION = 4;

/** The first step creates version 4 in an empty file, and each further one leads to the next version. */
const steps: readonly string[] = [
  `
  CREATE TABLE environments (
    environment TEXT PRIMARY KEY,
    corsOrigins TEXT NOT NULL,
    isPublic INTEGER NOT NULL,
    network TEXT NOT NULL
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
  CREATE TABLE variables (
    environment TEXT NOT NULL,
    service TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    isSecret INTEGER NOT NULL,
    setAt TEXT NOT NULL,
    PRIMARY KEY (environment, service, name)
  ) STRICT;
  CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    hash TEXT NOT NULL,
    environments TEXT NOT NULL,
    rights TEXT NOT NULL,
    note TEXT NOT NULL,
    createdAt INTEGER NOT NULL,
    expiresAt INTEGER
  ) STRICT;
  CREATE TABLE audit (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    principal TEXT NOT NULL,
    method TEXT NOT NULL,
    environment TEXT NOT NULL,
    target TEXT NOT NULL,
    outcome TEXT NOT NULL
  ) STRICT;
  CREATE TABLE host_values (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
`,
  "ALTER TABLE audit ADD COLUMN version INTEGER;",
  `
  CREATE TABLE changes (
    revision INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    nonce TEXT NOT NULL
  ) STRICT;
  CREATE TABLE revisions (key TEXT PRIMARY KEY, revision INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`,
  `
  CREATE TABLE routes (
    host TEXT NOT NULL,
    path TEXT NOT NULL,
    environment TEXT NOT NULL,
    service TEXT NOT NULL,
    PRIMARY KEY (host, path)
  ) STRICT;
`,
];

/** The version that this Lever reads and writes. */
export const SCHEMA_VERSION: number = OLDEST_VERSION - 1 + steps.length;

/** The steps from a version to the current one, with the version that each leads to. 0 = an empty file. */
export function stepsFrom(
  version: number,
): readonly { readonly sql: string; readonly version: number }[] {
  return steps
    .map((sql, index) => ({ sql, version: OLDEST_VERSION + index }))
    .filter((step) => step.version > version);
}

/** Whether this Lever can read a store of this version, after `stepsFrom` it. */
export function readableSchema(version: number): "yes" | "older" | "newer" {
  if (version > SCHEMA_VERSION) return "newer";
  return version === 0 || version >= OLDEST_VERSION ? "yes" : "older";
}
