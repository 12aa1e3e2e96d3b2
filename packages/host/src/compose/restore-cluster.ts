import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { UnpackBackupOptions } from "../backup/unpack-backup.ts";
import { systemClock } from "../clock.ts";
import { ClusterKey } from "../cluster/cluster-key.ts";
import { convertTable } from "../cluster/found-cluster.ts";
import { openPostgresStore, type PostgresStore } from "../cluster/postgres-store.ts";
import { GENERATION } from "../cluster/replica.ts";
import { defaultEnvironment } from "../environments/environments.ts";
import { SecretBox } from "../environments/secret-box.ts";
import { placeOf } from "../environments/variables.ts";
import type { SqliteStore } from "../store/sqlite-store.ts";
import { archiveOf, CLUSTER_ID, type DataFolder } from "./data-folder.ts";
import { openData } from "./open-data.ts";
import { unpackWhole } from "./restore-backup.ts";

const ID_BYTES = 4;

export interface ClusterRestoreOptions extends Pick<UnpackBackupOptions, "file" | "onRead"> {
  /** URLs of the cluster's database. */
  readonly urls: readonly string[];
  readonly keyFile: string;
}

export interface RestoredCluster {
  readonly cluster: string;
  /** When the backup was made, ISO 8601. */
  readonly createdAt: string;
  readonly services: number;
  /** Versions whose archive the backup has not. */
  readonly archivesLost: number;
}

/**
 * Brings a cluster back to a backup of it, or makes an empty database that of the cluster. A backup of a host that was the only
 * one will do, too. Hosts that run reload everything.
 * @throws RestoreError; StartupError for a database that this Lever cannot open; LeverError
 */
export async function restoreCluster(options: ClusterRestoreOptions): Promise<RestoredCluster> {
  const { file, onRead, urls, keyFile } = options;
  const key = ClusterKey.read(keyFile);
  const database = await openPostgresStore({
    urls,
    // No host has used the database before, as far as this command is concerned.
    memory: { read: async () => undefined, write: async () => {} },
    clock: systemClock,
    log: () => {},
    patience: 3,
  });
  const dir = await mkdtemp(join(tmpdir(), "lever-restore-"));
  try {
    const { createdAt } = await unpackWhole({ file, dir, ...(onRead && { onRead }) });
    const { folder, store } = openData(dir);
    try {
      const restored = await restoreInto(database, { folder, store, key, file });
      return { createdAt, ...restored };
    } finally {
      await store.close();
    }
  } finally {
    await database.close();
    await rm(dir, { recursive: true, force: true });
  }
}

async function restoreInto(
  database: PostgresStore,
  backup: {
    readonly folder: DataFolder;
    readonly store: SqliteStore;
    readonly key: ClusterKey;
    readonly file: string;
  },
): Promise<Omit<RestoredCluster, "createdAt">> {
  const { folder, store, key, file } = backup;
  const { notes } = store;
  const knownId = await notes.read(CLUSTER_ID);
  const cluster = await openCluster(database, key, knownId);
  let archivesLost = 0;
  for (const codeId of await store.codeIds()) {
    const archive = archiveOf(folder, codeId);
    if (archive === undefined) archivesLost++;
    else await database.archives.putFile(codeId, archive);
  }
  const box = knownId === undefined ? new SecretBox(folder.secretKeyFile) : key;
  const at = systemClock.wallTime();
  const tables = (await store.readState()).map((table) =>
    convertTable(table, {
      reseal(sealed, variable) {
        const place = placeOf(variable);
        return key.seal(box.open(sealed, place), place);
      },
      environment: defaultEnvironment,
    }),
  );
  await database.restore({
    tables,
    revision: (await store.head()).revision,
    generation: Number((await notes.read(GENERATION)) ?? 0),
    // Fewer epochs are given than one a millisecond.
    epoch: at,
    change: {
      kind: "audited",
      record: {
        ...{ at, principal: "local", method: "restoreCluster", environment: "*" },
        ...{ target: file, outcome: "done" },
      },
    },
  });
  const services = tables.find(({ table }) => table === "services")?.rows.length ?? 0;
  return { cluster, services, archivesLost };
}

/** The id of the cluster in the database, which gets tables if it is empty. @throws LeverError */
async function openCluster(
  database: PostgresStore,
  key: ClusterKey,
  knownId: string | undefined,
): Promise<string> {
  const found = await database.cluster();
  if (found?.isFounded === true) {
    key.checkId(found.keyId);
    return found.id;
  }
  const id = knownId ?? randomBytes(ID_BYTES).toString("hex");
  if (found === undefined) await database.createTables({ id, keyId: key.id });
  else await database.takeOver({ id, keyId: key.id });
  return id;
}
