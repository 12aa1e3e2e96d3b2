import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { mkdir, open, realpath, rename, rm, rmdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { type BackupHead, DAMAGED } from "../backup/backup-format.ts";
import { RestoreError, type UnpackBackupOptions, unpackBackup } from "../backup/unpack-backup.ts";
import { systemClock } from "../clock.ts";
import { CLUSTER_ID, RESTORING_DIR } from "./data-folder.ts";
import { openData } from "./open-data.ts";

export { RestoreError };

export interface RestoreOptions extends Pick<UnpackBackupOptions, "file" | "onRead"> {
  /** Missing, or empty. */
  readonly dataDir: string;
  /** The key of the cluster, for a backup of one. */
  readonly clusterKeyFile?: string | undefined;
}

export interface RestoredBackup {
  readonly dataDir: string;
  /** When the backup was made, ISO 8601. */
  readonly createdAt: string;
  readonly hasServiceData: boolean;
  readonly services: number;
}

/** The names of a backup in the order in which they are moved: the version, without which a folder is no host's, comes last. */
const NAMES = ["archives", "services", "secret.key", "lever.sqlite", "version"];

/**
 * Makes a data folder of a backup. Until it is complete, the folder has `restoring/`, with which no host starts. After a crash,
 * call this again: it removes `restoring/` and restores from the start.
 * @throws RestoreError; StartupError for a database that this Lever cannot open.
 */
export async function restoreBackup(options: RestoreOptions): Promise<RestoredBackup> {
  const { file, onRead } = options;
  const dataDir = resolve(options.dataDir);
  await prepare(dataDir, file);
  const restoring = join(await realpath(dataDir), RESTORING_DIR);
  await mkdir(restoring, { mode: 0o700 });
  try {
    const head = await unpackWhole({ file, dir: restoring, ...(onRead && { onRead }) });
    const services = await settleStore(restoring, options);
    // A crash of the machine must not leave a folder that seems to be complete.
    await syncFileSystem(restoring);
    for (const name of NAMES) {
      const from = join(restoring, name);
      if (existsSync(from)) await rename(from, join(dataDir, name));
    }
    await syncFolder(dataDir);
    await rmdir(restoring);
    await syncFolder(dataDir);
    const { createdAt, hasServiceData } = head;
    return { dataDir, createdAt, hasServiceData, services };
  } catch (error) {
    await clear(dataDir);
    throw error;
  }
}

/** Unpacks a backup that has a store. @throws RestoreError */
export async function unpackWhole(options: UnpackBackupOptions): Promise<BackupHead> {
  const head = await unpackBackup(options);
  const { file, dir } = options;
  if (["version", "lever.sqlite"].some((name) => !existsSync(join(dir, name)))) {
    throw new RestoreError(`Cannot restore ${file}: ${DAMAGED}.`);
  }
  return head;
}

/**
 * Opens the database as a host does, which also brings it to this version of Lever. That of a cluster becomes one of this host
 * alone. Resolves to the number of services.
 */
async function settleStore(
  dir: string,
  { file, clusterKeyFile: keyFile }: Pick<RestoreOptions, "file" | "clusterKeyFile">,
): Promise<number> {
  const { folder, store } = openData(dir);
  try {
    const cluster = await store.notes.read(CLUSTER_ID);
    if (cluster !== undefined) {
      if (keyFile === undefined) {
        throw new RestoreError(
          `Cannot restore ${file}: it is of the cluster ${cluster}, whose secrets need its key. Name it with --cluster-key; and with --cluster, to bring the cluster back to this backup.`,
        );
      }
      const { leaveCluster } = await import("./leave-cluster.ts");
      await leaveCluster({ folder, store }, { keyFile, epoch: systemClock.wallTime() });
    }
    let services = 0;
    for await (const _ of store.liveVersions()) services++;
    return services;
  } finally {
    await store.close();
  }
}

/** Makes the folder, and removes what a restore that did not come to its end has left in it. */
async function prepare(dataDir: string, file: string): Promise<void> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  if (existsSync(join(dataDir, RESTORING_DIR))) await clear(dataDir);
  // The last one is in each new file system.
  const names = readdirSync(dataDir).filter((name) => name !== "lost+found");
  if (names.length === 0) return;
  throw new RestoreError(
    `Cannot restore ${file} into ${dataDir}: the folder is not empty. Name an empty or a new one with --data, or move this one away.`,
  );
}

/** Everything in the folder is of the restore: it was empty before. `restoring/` goes last. */
async function clear(dataDir: string): Promise<void> {
  for (const name of [...NAMES, RESTORING_DIR]) {
    await rm(join(dataDir, name), { recursive: true, force: true });
  }
}

async function syncFileSystem(path: string): Promise<void> {
  await promisify(execFile)("sync", process.platform === "linux" ? ["-f", path] : []);
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
