import { existsSync, readdirSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { isoTime } from "../clock.ts";
import { sqliteCode, systemReason } from "../logs/system-reason.ts";
import { openSqliteStore, type SqliteStore } from "../store/sqlite-store.ts";
import { StoreOpenError } from "../store/store-open-error.ts";
import { CLUSTER_ID, type DataFolder, openDataFolder } from "./data-folder.ts";
import { StartupError } from "./startup-error.ts";

/**
 * Opens a data folder and its store. A folder that a host has used must have a store: without it Lever would start as new, with
 * no services, and would take calls without a token.
 * @throws StartupError
 */
export function openData(dataDir: string): { folder: DataFolder; store: SqliteStore } {
  try {
    const folder = openDataFolder(dataDir);
    return { folder, store: openStore(folder) };
  } catch (error) {
    throw dataFolderFailure(dataDir, error);
  }
}

/**
 * Refuses the data folder of a host of a cluster: alone, it would make changes that the cluster does not know.
 * @throws StartupError
 */
export async function refuseClusterFolder({ notes }: SqliteStore, dir: string): Promise<void> {
  const cluster = await notes.read(CLUSTER_ID);
  if (cluster === undefined) return;
  throw new StartupError(
    "dataFolderUnusable",
    `Cannot use the data folder ${dir} without the cluster ${cluster}, which it belongs to. Name its database with --cluster; lever up also needs --cluster-key.`,
  );
}

/** An error of the system or of the store about the data folder as one sentence. Other errors stay as they are. */
export function dataFolderFailure(dataDir: string, error: unknown): unknown {
  if (error instanceof StoreOpenError) {
    return new StartupError("dataFolderDamaged", error.message, { cause: error });
  }
  const dir = resolve(dataDir);
  const reason = systemReason(error);
  const path = pathOf(error);
  const isInside = path === undefined || path === dir || path.startsWith(`${dir}/`);
  if (reason === undefined || !isInside) return error;
  const place = path === undefined || path === dir ? "" : `${relative(dir, path)}: `;
  return new StartupError(
    "dataFolderUnusable",
    `Cannot use the data folder ${dir}: ${place}${reason}.`,
    { cause: error },
  );
}

function pathOf(error: unknown): string | undefined {
  const isOfFile = error instanceof Error && "path" in error && typeof error.path === "string";
  return isOfFile && sqliteCode(error) === undefined ? String(error.path) : undefined;
}

function openStore(folder: DataFolder): SqliteStore {
  const found = describeStored(folder);
  try {
    return openSqliteStore(folder.storeFile, { mayBeNew: found === undefined });
  } catch (error) {
    if (!(error instanceof StoreOpenError)) throw error;
    switch (error.problem) {
      case "inUse":
        throw new StartupError("dataFolderInUse", error.message, { cause: error });
      case "newer":
        throw new StartupError("dataFolderNewer", error.message, { cause: error });
      case "older":
        throw new StartupError("dataFolderOlder", error.message, { cause: error });
      case "damaged":
      case "lost": {
        const beside = found === undefined ? "" : ` Found beside it: ${found}.`;
        throw new StartupError(
          "dataFolderDamaged",
          `${error.message}${beside}\n${restoreRemedy(folder)}`,
          { cause: error },
        );
      }
    }
  }
}

/** Names that a host creates in its data folder after the store. In a folder that no host has used, they are the user's. */
const LATER_NAMES = ["code", "disks", "processes", "removed", "services", "staging"];

/** The traces of a host that had a store; undefined = the folder is new. */
function describeStored(folder: DataFolder): string | undefined {
  const { dir, wasUsed, secretKeyFile, storeCopyFile } = folder;
  const archives = namesIn(join(dir, "archives")).filter((name) => /\.tar\.(?:gz|zst)$/.test(name));
  const names = LATER_NAMES.filter((name) => wasUsed && existsSync(join(dir, name)));
  const found = [
    ...(archives.length > 0 ? [`archives of deployed services (${archives.length})`] : []),
    ...(existsSync(secretKeyFile) ? ["the key of secrets"] : []),
    ...(existsSync(storeCopyFile) ? ["a copy of the store"] : []),
    ...(names.length > 0 ? [`folders of a host (${names.join(", ")})`] : []),
  ];
  return found.length === 0 ? undefined : found.join(", ");
}

function namesIn(dir: string): readonly string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

function restoreRemedy({ dir, storeFile, storeCopyFile }: DataFolder): string {
  const startNew = `To start as new, move the folder ${dir} away.`;
  const copied = statSync(storeCopyFile, { throwIfNoEntry: false });
  if (copied === undefined) return `Restore ${storeFile} from a backup. ${startNew}`;
  return `Lever's last copy of it is of ${isoTime(copied.mtimeMs)}. To continue with the copy: rm -f ${storeFile}*; cp ${storeCopyFile} ${storeFile}\n${startNew}`;
}
