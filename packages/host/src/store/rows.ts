import type { LeverJson, NetworkPolicy, Right } from "@leveros/protocol";
import type {
  AuditRecord,
  EnvironmentRecord,
  RouteRecord,
  TokenRecord,
  VariableRecord,
  VersionRecord,
} from "./records.ts";
import { StoreOpenError } from "./store-open-error.ts";

/** A row as SQLite returns it. */
export type Row = Readonly<Record<string, unknown>>;

export function environmentOf(row: Row): EnvironmentRecord {
  return {
    environment: textOf(row["environment"]),
    corsOrigins: jsonOf<string[]>(row["corsOrigins"]),
    isPublic: numberOf(row["isPublic"]) === 1,
    network: jsonOf<NetworkPolicy>(row["network"]),
  };
}

export function versionOf(row: Row): VersionRecord {
  return {
    environment: textOf(row["environment"]),
    service: textOf(row["service"]),
    version: numberOf(row["version"]),
    codeId: textOf(row["codeId"]),
    leverJson: jsonOf<LeverJson>(row["leverJson"]),
    methods: jsonOf<string[]>(row["methods"]),
    archiveBytes: numberOf(row["archiveBytes"]),
    unpackedBytes: numberOf(row["unpackedBytes"]),
    deployedAt: textOf(row["deployedAt"]),
  };
}

/** A version from a row that SQLite returned as an array, with the columns in the order of the table. */
export function versionOfArray(row: unknown): VersionRecord {
  const [environment, service, version, codeId, leverJson, methods, ...rest] = arrayOf(row);
  const [archiveBytes, unpackedBytes, deployedAt] = rest;
  const names = { environment, service, version, codeId, leverJson, methods };
  return versionOf({ ...names, archiveBytes, unpackedBytes, deployedAt });
}

export function variableOf(row: Row): VariableRecord {
  return {
    environment: textOf(row["environment"]),
    service: textOf(row["service"]),
    name: textOf(row["name"]),
    value: textOf(row["value"]),
    isSecret: numberOf(row["isSecret"]) === 1,
    setAt: textOf(row["setAt"]),
  };
}

export function routeOf(row: Row): RouteRecord {
  return {
    host: textOf(row["host"]),
    path: textOf(row["path"]),
    environment: textOf(row["environment"]),
    service: textOf(row["service"]),
  };
}

export function tokenOf(row: Row): TokenRecord {
  const expiresAt = row["expiresAt"] ?? undefined;
  return {
    id: textOf(row["id"]),
    hash: textOf(row["hash"]),
    environments: jsonOf<string[]>(row["environments"]),
    rights: jsonOf<Right[]>(row["rights"]),
    note: textOf(row["note"]),
    createdAt: numberOf(row["createdAt"]),
    expiresAt: expiresAt === undefined ? undefined : numberOf(expiresAt),
  };
}

export function auditOf(row: Row): AuditRecord {
  const version = row["version"];
  return {
    at: numberOf(row["at"]),
    principal: textOf(row["principal"]),
    method: textOf(row["method"]),
    environment: textOf(row["environment"]),
    target: textOf(row["target"]),
    ...(typeof version === "number" && { version }),
    outcome: textOf(row["outcome"]),
  };
}

export function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  throw damaged("a column does not have a text");
}

export function numberOf(value: unknown): number {
  if (typeof value === "number") return value;
  throw damaged("a column does not have a number");
}

export function arrayOf(row: unknown): readonly unknown[] {
  if (Array.isArray(row)) return row;
  throw damaged("a row is not an array");
}

/** Lever wrote this text itself, so that only whether it is JSON is checked again. */
export function jsonOf<Value>(value: unknown): Value {
  const text = textOf(value);
  try {
    return JSON.parse(text) as Value;
  } catch (error) {
    throw damaged("a column does not have JSON", error);
  }
}

function damaged(how: string, cause?: unknown): StoreOpenError {
  return new StoreOpenError("damaged", `Cannot read the store: it is damaged (${how}).`, { cause });
}
