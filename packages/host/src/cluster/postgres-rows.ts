import type { Row } from "../store/rows.ts";

/** Columns with capitals. SQL that both engines of the store read has no quotes, and PostgreSQL then uses lower case. */
const COLUMNS = [
  "appliedRevision",
  "archiveBytes",
  "codeId",
  "corsOrigins",
  "createdAt",
  "deployedAt",
  "expiresAt",
  "isPublic",
  "isSecret",
  "keyId",
  "lastVersion",
  "leverJson",
  "liveVersion",
  "setAt",
  "unpackedBytes",
] as const;

const nameByColumn: ReadonlyMap<string, string> = new Map(
  COLUMNS.map((name) => [name.toLowerCase(), name]),
);

/** A row with the names that Lever's code uses. */
export function withNames(row: Row): Row {
  const named = Object.entries(row).map(([column, value]) => [
    nameByColumn.get(column) ?? column,
    value,
  ]);
  return Object.fromEntries(named);
}
