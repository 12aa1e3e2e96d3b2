import { closeSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { checkPages } from "./open-database.ts";

/** Replaces the file with a copy of the database: complete, checked, and synced to the disk before it has its name. */
export async function copyDatabase(database: DatabaseSync, file: string): Promise<void> {
  const draft = `${file}.new`;
  rmSync(draft, { force: true });
  closeSync(openSync(draft, "wx", 0o600));
  try {
    await backup(database, draft);
    checkCopy(draft);
    syncPath(draft);
    renameSync(draft, file);
    syncPath(dirname(file));
  } catch (error) {
    for (const path of [draft, `${draft}-wal`, `${draft}-shm`]) rmSync(path, { force: true });
    throw error;
  }
}

/** Without a log beside it, the copy is one file. */
function checkCopy(draft: string): void {
  const copy = new DatabaseSync(draft);
  try {
    copy.exec("PRAGMA journal_mode = DELETE");
    checkPages(copy, draft);
  } finally {
    copy.close();
  }
}

function syncPath(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
