import { chmodSync, closeSync, existsSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { readableSchema, SCHEMA_VERSION, stepsFrom } from "./schema.ts";
import { StoreOpenError } from "./store-open-error.ts";

/** https://www.sqlite.org/rescode.html#busy */
const SQLITE_BUSY = 5;

/**
 * Opens the store's file with its current schema, locked until it is closed or the process ends.
 * @throws StoreOpenError
 */
export function openDatabase(file: string): DatabaseSync {
  // SQLite gives the files that it creates next to this one the same mode.
  closeSync(openSync(file, "a", 0o600));
  for (const path of [file, `${file}-wal`, `${file}-shm`]) {
    if (existsSync(path)) chmodSync(path, 0o600);
  }
  const database = new DatabaseSync(file);
  try {
    // T1: WAL with synchronous = FULL syncs the log at each commit. The first write takes the exclusive lock. It is held
    // until the file is closed, and the system releases it when the process dies.
    database.exec(
      "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; BEGIN EXCLUSIVE; COMMIT;",
    );
    updateSchema(database, file);
    return database;
  } catch (error) {
    database.close();
    if (error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY) {
      throw new StoreOpenError(
        "inUse",
        `Cannot open the store ${file}: another Lever host has it open.`,
        { cause: error },
      );
    }
    throw error;
  }
}

function updateSchema(database: DatabaseSync, file: string): void {
  const version = Number(database.prepare("PRAGMA user_version").get()?.["user_version"] ?? 0);
  const readable = readableSchema(version);
  if (readable !== "yes") {
    throw new StoreOpenError(
      readable,
      `Cannot open the store ${file}: ${readable === "newer" ? "a newer" : "an older, unreleased"} Lever wrote it (its schema has version ${version}, and this Lever's ${SCHEMA_VERSION}).`,
    );
  }
  for (const step of stepsFrom(version)) {
    database.exec(`BEGIN; ${step.sql} PRAGMA user_version = ${step.version}; COMMIT;`);
  }
}
