import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { archiveFormats } from "@leveros/protocol";
import { StartupError } from "./startup-error.ts";

/** Increase it when a folder that this Lever wrote could no longer be read by the Lever before. */
const LAYOUT_VERSION = 1;
const VERSION_FILE = "version";
export const STORE_FILE = "lever.sqlite";
/** The note with the cluster that the store has a copy of. */
export const CLUSTER_ID = "cluster id";
/** Has what a restore has unpacked, until the data folder is complete. */
export const RESTORING_DIR = "restoring";

/** The folder with everything that a host stores. ARCHITECTURE.md lists its contents. */
export interface DataFolder {
  /** Without symbolic links: Node loads modules, and checks access to them, by their real paths. */
  readonly dir: string;
  /** A host has used it before: it had a version. */
  readonly wasUsed: boolean;
  readonly storeFile: string;
  /** A recent copy of the store; see `StoreCopies`. */
  readonly storeCopyFile: string;
  readonly processesDir: string;
  readonly secretKeyFile: string;
  /** The output of instances. */
  readonly logsDir: string;
  /** See `KeptCalls`. */
  readonly callsDir: string;
  /** Has the history of the metrics. */
  readonly metricsDir: string;
  readonly eventsDir: string;
}

/**
 * Opens a data folder, and creates it when it is missing. Its file `version` has the version of its layout.
 * @throws StartupError when another version of Lever wrote it, which this one cannot read.
 */
export function openDataFolder(path: string): DataFolder {
  makeDir(resolve(path));
  const dir = realpathSync(path);
  if (existsSync(join(dir, RESTORING_DIR))) {
    throw new StartupError(
      "dataFolderDamaged",
      `Cannot use the data folder ${dir}: a restore into it has not been completed. Run lever restore again, or remove the folder.`,
    );
  }
  const versionFile = join(dir, VERSION_FILE);
  const wasUsed = existsSync(versionFile);
  const folder = {
    dir,
    wasUsed,
    storeFile: join(dir, STORE_FILE),
    storeCopyFile: join(dir, "backup", STORE_FILE),
    processesDir: join(dir, "processes"),
    secretKeyFile: join(dir, "secret.key"),
    logsDir: join(dir, "logs"),
    callsDir: join(dir, "calls"),
    metricsDir: join(dir, "metrics"),
    eventsDir: join(dir, "events"),
  };
  if (wasUsed) checkVersion(dir, readFileSync(versionFile, "utf8"));
  else if (existsSync(folder.storeFile)) throw unreleased(dir);
  else writeVersion(versionFile);
  return folder;
}

/** The file of the archive of a version; undefined = it is lost. */
export function archiveOf({ dir }: DataFolder, codeId: string): string | undefined {
  return archiveFormats
    .map((format) => join(dir, "archives", `${codeId}.${format}`))
    .find((file) => existsSync(file));
}

/** Creates a private folder, and those above it, when they are missing. */
export function makeDir(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
}

function checkVersion(dir: string, text: string): void {
  const version = /^\d{1,9}\n?$/.test(text) ? Number(text) : undefined;
  if (version === LAYOUT_VERSION) return;
  if (version === undefined) {
    throw new StartupError(
      "dataFolderDamaged",
      `Cannot use the data folder ${dir}: its file "${VERSION_FILE}" does not have the number of a version. Restore the folder from a backup.`,
    );
  }
  if (version < LAYOUT_VERSION) throw unreleased(dir);
  throw new StartupError(
    "dataFolderNewer",
    `Cannot use the data folder ${dir}: a newer Lever wrote it (its layout has version ${version}, and this Lever reads version ${LAYOUT_VERSION}). Start it with that Lever, or restore a backup from before the update.`,
  );
}

function unreleased(dir: string): StartupError {
  return new StartupError(
    "dataFolderOlder",
    `Cannot use the data folder ${dir}: an unreleased Lever wrote it, whose layout this Lever does not read. Move the folder away, start Lever, and deploy the services again.`,
  );
}

/**
 * Written completely or not at all, so that a crash cannot leave an empty file. The folder is flushed too: a store without this
 * file would be refused.
 */
function writeVersion(file: string): void {
  const temporary = `${file}.${process.pid}`;
  writeFileSync(temporary, `${LAYOUT_VERSION}\n`, { mode: 0o600, flush: true });
  renameSync(temporary, file);
  const folder = openSync(dirname(file), "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
