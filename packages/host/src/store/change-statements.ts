import { CHANGES_KEPT_MAX, type Change, keyOf, type StoredChange } from "./change.ts";
import { revisionsOf } from "./change-revisions.ts";
import type { VersionRecord } from "./records.ts";
import type { Statement } from "./sql-statement.ts";

/** A query that must find a row, or must find none. Otherwise the change is a conflict. */
export interface Rule extends Statement {
  readonly finds: boolean;
}

const AUDIT_RECORDS_MAX = 10_000;

type Values = Statement["values"];

const ENVIRONMENT = "SELECT 1 FROM environments WHERE environment = $1";
const LIVE_SERVICE = "SELECT 1 FROM services WHERE environment = $1 AND liveVersion > 0 LIMIT 1";
/** The service has a version as high as this one. */
const RESERVED =
  "SELECT 1 FROM services WHERE environment = $1 AND service = $2 AND lastVersion >= $3";
const LIVE_OR_HIGHER =
  "SELECT 1 FROM services WHERE environment = $1 AND service = $2 AND liveVersion >= $3";
const LIVE = "SELECT 1 FROM services WHERE environment = $1 AND service = $2 AND liveVersion = $3";
const VERSION = "SELECT 1 FROM versions WHERE environment = $1 AND service = $2 AND version = $3";
const ANY_VERSION = "SELECT 1 FROM versions WHERE environment = $1 AND service = $2 LIMIT 1";
const VARIABLE = "SELECT 1 FROM variables WHERE environment = $1 AND service = $2 AND name = $3";
const ROUTE = "SELECT 1 FROM routes WHERE host = $1 AND path = $2";
const TOKEN = "SELECT 1 FROM tokens WHERE id = $1";

/** The things that must be so for a change to be possible. */
export function rulesOf(change: Change): readonly Rule[] {
  switch (change.kind) {
    case "environmentCreated":
      return [none(ENVIRONMENT, change.record.environment)];
    case "environmentChanged":
      return [some(ENVIRONMENT, change.record.environment)];
    case "environmentRemoved": {
      const { environment, isForced } = change;
      const isThere = some(ENVIRONMENT, environment);
      return isForced ? [isThere] : [isThere, none(LIVE_SERVICE, environment)];
    }
    case "versionReserved": {
      const { environment, service, version } = change;
      return [some(ENVIRONMENT, environment), none(RESERVED, environment, service, version)];
    }
    case "versionPublished": {
      const place = placeOf(change.record);
      return [some(RESERVED, ...place), none(LIVE_OR_HIGHER, ...place), none(VERSION, ...place)];
    }
    case "versionMadeLive":
      return [some(VERSION, ...placeOf(change.record))];
    case "versionRemoved":
      return [some(VERSION, ...placeOf(change)), none(LIVE, ...placeOf(change))];
    case "serviceRemoved":
      return [some(ANY_VERSION, change.environment, change.service)];
    case "variablesSet":
      return [some(ENVIRONMENT, change.environment)];
    case "variableRemoved":
      return [some(VARIABLE, change.environment, change.service, change.name)];
    case "routeAdded": {
      const { environment, host, path } = change.record;
      return [some(ENVIRONMENT, environment), none(ROUTE, host, path)];
    }
    case "routeRemoved":
      return [some(ROUTE, change.record.host, change.record.path)];
    case "tokenCreated":
      return [none(TOKEN, change.record.id)];
    case "tokenRemoved":
      return [some(TOKEN, change.id)];
    case "serviceRestarted":
    case "audited":
      return [];
  }
}

/** Writes a change with its revision. A statement that ends in `RETURNING codeId` returns code that no version needs any more. */
export function writesOf(stored: StoredChange): readonly Statement[] {
  const { revision, nonce, change } = stored;
  const key = keyOf(change);
  return [
    ...rowsOf(change),
    ...revisionsOf(change, key, revision),
    {
      sql: "INSERT INTO changes (revision, kind, key, value, nonce) VALUES ($1, $2, $3, $4, $5)",
      values: [revision, change.kind, key, JSON.stringify(change), nonce],
    },
    { sql: "DELETE FROM changes WHERE revision <= $1", values: [revision - CHANGES_KEPT_MAX] },
  ];
}

function rowsOf(change: Change): readonly Statement[] {
  switch (change.kind) {
    case "environmentCreated":
    case "environmentChanged": {
      const { environment, corsOrigins, isPublic, network } = change.record;
      return [
        {
          sql: `INSERT INTO environments (environment, corsOrigins, isPublic, network) VALUES ($1, $2, $3, $4)
            ON CONFLICT (environment) DO UPDATE
            SET corsOrigins = excluded.corsOrigins, isPublic = excluded.isPublic, network = excluded.network`,
          values: [
            environment,
            JSON.stringify(corsOrigins),
            isPublic ? 1 : 0,
            JSON.stringify(network),
          ],
        },
      ];
    }
    case "environmentRemoved": {
      const values = [change.environment];
      return [
        { sql: "DELETE FROM variables WHERE environment = $1", values },
        { sql: "DELETE FROM routes WHERE environment = $1", values },
        { sql: "DELETE FROM versions WHERE environment = $1 RETURNING codeId", values },
        { sql: "DELETE FROM services WHERE environment = $1", values },
        { sql: "DELETE FROM environments WHERE environment = $1", values },
      ];
    }
    case "versionReserved":
      return [
        {
          sql: `INSERT INTO services (environment, service, liveVersion, lastVersion) VALUES ($1, $2, 0, $3)
            ON CONFLICT (environment, service) DO UPDATE SET lastVersion = excluded.lastVersion`,
          values: placeOf(change),
        },
      ];
    case "versionPublished": {
      const { record, versionsKeptMax } = change;
      const { environment, service } = record;
      return [
        {
          sql: `INSERT INTO versions (environment, service, version, codeId, leverJson, methods,
            archiveBytes, unpackedBytes, deployedAt) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
          values: [
            ...placeOf(record),
            record.codeId,
            JSON.stringify(record.leverJson),
            JSON.stringify(record.methods),
            record.archiveBytes,
            record.unpackedBytes,
            record.deployedAt,
          ],
        },
        makeLive(record),
        {
          sql: `DELETE FROM versions WHERE environment = $1 AND service = $2 AND version NOT IN (
            SELECT version FROM versions WHERE environment = $1 AND service = $2
            ORDER BY version DESC LIMIT $3) RETURNING codeId`,
          values: [environment, service, versionsKeptMax],
        },
      ];
    }
    case "versionMadeLive":
      return [makeLive(change.record)];
    case "versionRemoved":
      return [
        {
          sql: "DELETE FROM versions WHERE environment = $1 AND service = $2 AND version = $3 RETURNING codeId",
          values: placeOf(change),
        },
      ];
    case "serviceRemoved": {
      const { environment, service, keepsData } = change;
      const values = [environment, service];
      const variables = "DELETE FROM variables WHERE environment = $1 AND service = $2";
      return [
        {
          sql: "DELETE FROM versions WHERE environment = $1 AND service = $2 RETURNING codeId",
          values,
        },
        // Its last version stays: a later deploy of the name goes on counting.
        {
          sql: "UPDATE services SET liveVersion = 0 WHERE environment = $1 AND service = $2",
          values,
        },
        ...(keepsData ? [] : [{ sql: variables, values }]),
      ];
    }
    case "serviceRestarted":
      return [];
    case "variablesSet":
      return change.records.map(({ environment, service, name, value, isSecret, setAt }) => ({
        sql: `INSERT INTO variables (environment, service, name, value, isSecret, setAt) VALUES ($1, $2, $3, $4, $5, $6)
          ON CONFLICT (environment, service, name) DO UPDATE
          SET value = excluded.value, isSecret = excluded.isSecret, setAt = excluded.setAt`,
        values: [environment, service, name, value, isSecret ? 1 : 0, setAt],
      }));
    case "variableRemoved":
      return [
        {
          sql: "DELETE FROM variables WHERE environment = $1 AND service = $2 AND name = $3",
          values: [change.environment, change.service, change.name],
        },
      ];
    case "routeAdded": {
      const { host, path, environment, service } = change.record;
      return [
        {
          sql: "INSERT INTO routes (host, path, environment, service) VALUES ($1, $2, $3, $4)",
          values: [host, path, environment, service],
        },
      ];
    }
    case "routeRemoved": {
      const { host, path } = change.record;
      return [{ sql: "DELETE FROM routes WHERE host = $1 AND path = $2", values: [host, path] }];
    }
    case "tokenCreated": {
      const { id, hash, environments, rights, note, createdAt, expiresAt = null } = change.record;
      return [
        {
          sql: `INSERT INTO tokens (id, hash, environments, rights, note, createdAt, expiresAt)
            VALUES ($1, $2, $3, $4, $5, $6, $7)`,
          values: [
            id,
            hash,
            JSON.stringify(environments),
            JSON.stringify(rights),
            note,
            createdAt,
            expiresAt,
          ],
        },
      ];
    }
    case "tokenRemoved":
      return [{ sql: "DELETE FROM tokens WHERE id = $1", values: [change.id] }];
    case "audited": {
      const { at, principal, method, environment, target, version = null, outcome } = change.record;
      return [
        {
          sql: `INSERT INTO audit (at, principal, method, environment, target, version, outcome)
            VALUES ($1, $2, $3, $4, $5, $6, $7)`,
          values: [at, principal, method, environment, target, version, outcome],
        },
        {
          sql: "DELETE FROM audit WHERE number <= (SELECT max(number) FROM audit) - $1",
          values: [AUDIT_RECORDS_MAX],
        },
      ];
    }
  }
}

function makeLive(record: VersionRecord): Statement {
  return {
    sql: "UPDATE services SET liveVersion = $3 WHERE environment = $1 AND service = $2",
    values: placeOf(record),
  };
}

function placeOf({
  environment,
  service,
  version,
}: Pick<VersionRecord, "environment" | "service" | "version">): [string, string, number] {
  return [environment, service, version];
}

const some = (sql: string, ...values: Values): Rule => ({ sql, values, finds: true });
const none = (sql: string, ...values: Values): Rule => ({ sql, values, finds: false });
