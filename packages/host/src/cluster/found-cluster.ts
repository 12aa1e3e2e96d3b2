import { LeverError } from "@leveros/protocol";
import type { AuditRecord, EnvironmentRecord } from "../store/records.ts";
import type { TableRows } from "../store/replace-state.ts";
import { type Row, textOf } from "../store/rows.ts";
import type { SqliteStore } from "../store/sqlite-store.ts";
import type { PostgresStore } from "./postgres-store.ts";

export interface FoundingOptions {
  readonly id: string;
  readonly keyId: string;
  /** The tables are there, and have no state. */
  readonly isBegun: boolean;
  /** The store of the host, whose state becomes that of the cluster. */
  readonly store: Pick<SqliteStore, "readState" | "head" | "codeIds">;
  /** The highest epoch that the host may have given. */
  readonly epoch: number;
  readonly database: Pick<
    PostgresStore,
    "createTables" | "takeOver" | "fill" | "commit" | "archives"
  >;
  /** The file of an archive; undefined = it is lost. */
  readonly archiveOf: (codeId: string) => Promise<string | undefined>;
  readonly storeArchive: (codeId: string, file: string) => Promise<void>;
  /** Seals a secret of this host with the key of the cluster. */
  readonly reseal: (sealed: string, variable: VariableName) => string;
  /** Exists in every new cluster. */
  readonly environment: EnvironmentRecord;
  /** Resolves when the host remembers that it belongs to the cluster. Nothing of the state is in the database before. */
  readonly onBegun: () => Promise<void>;
  readonly audit: AuditRecord;
}

interface VariableName {
  readonly environment: string;
  readonly service: string;
  readonly name: string;
}

/**
 * Makes a database that of a new cluster, with the state of one host: archives first, everything else in one transaction.
 * Returns how many archives are lost.
 * @throws LeverError `unavailable`, `conflict`
 */
export async function foundCluster(options: FoundingOptions): Promise<number> {
  const { id, keyId, store, database } = options;
  if (options.isBegun) {
    if (!(await database.takeOver({ id, keyId }))) throw overtaken();
  } else {
    await database.createTables({ id, keyId });
  }
  await options.onBegun();
  let lost = 0;
  for (const codeId of await store.codeIds()) {
    const file = await options.archiveOf(codeId);
    if (file === undefined) lost++;
    else await options.storeArchive(codeId, file);
  }
  const { revision } = await store.head();
  const tables = (await store.readState()).map((table) => convertTable(table, options));
  if (!(await database.fill({ id, revision, epoch: options.epoch }, tables))) throw overtaken();
  // Hosts that follow need a last change.
  await database.commit({ kind: "audited", record: options.audit });
  return lost;
}

/** The rows of a table of one host as a cluster has them. */
export function convertTable(
  { table, rows }: TableRows,
  options: Pick<FoundingOptions, "reseal" | "environment">,
): TableRows {
  switch (table) {
    case "variables":
      return { table, rows: rows.map((row) => resealed(row, options)) };
    case "environments": {
      const { environment, corsOrigins, isPublic, network } = options.environment;
      if (rows.some((row) => row["environment"] === environment)) return { table, rows };
      const added = {
        environment,
        corsOrigins: JSON.stringify(corsOrigins),
        isPublic: isPublic ? 1 : 0,
        network: JSON.stringify(network),
      };
      return { table, rows: [...rows, added] };
    }
    default:
      return { table, rows };
  }
}

function resealed(row: Row, { reseal }: Pick<FoundingOptions, "reseal">): Row {
  if (row["isSecret"] !== 1) return row;
  const place = {
    environment: textOf(row["environment"]),
    service: textOf(row["service"]),
    name: textOf(row["name"]),
  };
  return { ...row, value: reseal(textOf(row["value"]), place) };
}

function overtaken(): LeverError {
  return new LeverError(
    "conflict",
    "Cannot found the cluster: another host founds one in this database. Start this host without --found, and it joins.",
  );
}
