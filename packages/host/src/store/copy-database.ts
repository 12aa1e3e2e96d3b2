import { closeSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { EPOCHS_RESERVED } from "./epochs.ts";
import { checkPages } from "./open-database.ts";
import { textOf } from "./rows.ts";

/** Replaces the file with a copy of the database: complete, checked, and synced to the disk before it has its name. */
export async function copyDatabase(database: DatabaseSync, file: string): Promise<void> {
  const draft = `${file}.new`;
  rmSync(draft, { force: true });
  closeSync(openSync(draft, "wx", 0o600));
  try {
    await backup(database, draft);
    completeCopy(draft);
    syncPath(draft);
    renameSync(draft, file);
    syncPath(dirname(file));
  } catch (error) {
    for (const path of [draft, `${draft}-wal`, `${draft}-shm`]) rmSync(path, { force: true });
    throw error;
  }
}

/** Every codeId that a version in a copy needs. */
export function codeIdsIn(file: string): ReadonlySet<string> {
  const copy = new DatabaseSync(file, { readOnly: true });
  try {
    const rows = copy.prepare("SELECT DISTINCT codeId FROM versions").all();
    return new Set(rows.map((row) => textOf(row["codeId"])));
  } finally {
    copy.close();
  }
}

/** More epochs than a host gives until the next copy. */
const EPOCHS_SKIPPED = 1_000_000_000;

/**
 * Without a log beside it, the copy is one file. A host that continues with it gives epochs that are higher than those given
 * since (O2).
 */
function completeCopy(draft: string): void {
  const copy = new DatabaseSync(draft);
  try {
    copy.exec("PRAGMA journal_mode = DELETE");
    copy
      .prepare("UPDATE host_values SET value = CAST(value AS INTEGER) + ? WHERE name = ?")
      .run(EPOCHS_SKIPPED, EPOCHS_RESERVED);
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
