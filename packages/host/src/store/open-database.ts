import { chmodSync, closeSync, existsSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { sqliteCode } from "../logs/system-reason.ts";
import { readableSchema, SCHEMA_VERSION, stepsFrom } from "./schema.ts";
import { StoreOpenError } from "./store-open-error.ts";

/** https://www.sqlite.org/rescode.html#busy */
const SQLITE_BUSY = 5;

export interface DatabaseOptions {
  /** False = a file that is missing or empty is refused, because it has been lost. Default: true */
  readonly mayBeNew?: boolean;
}

/**
 * Opens the store's file with its current schema, locked until it is closed or the process ends.
 * @throws StoreOpenError; the system's error when the file cannot be read or written.
 */
export function openDatabase(file: string, { mayBeNew = true }: DatabaseOptions): DatabaseSync {
  if (!mayBeNew && !existsSync(file)) throw lost(file, "is missing");
  // SQLite gives the files that it creates next to this one the same mode.
  closeSync(openSync(file, "a", 0o600));
  for (const path of [file, `${file}-wal`, `${file}-shm`]) {
    if (existsSync(path)) chmodSync(path, 0o600);
  }
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file);
    // T1: WAL with synchronous = FULL syncs the log at each commit. The first write takes the exclusive lock. It is held
    // until the file is closed, and the system releases it when the process dies.
    database.exec(
      "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; BEGIN EXCLUSIVE; COMMIT;",
    );
    checkPages(database, file);
    updateSchema(database, file, mayBeNew);
    return database;
  } catch (error) {
    database?.close();
    throw openError(error, file);
  }
}

/** Finds damage that a query would find only when it reads that page. @throws StoreOpenError */
export function checkPages(database: DatabaseSync, file: string): void {
  const found = database.prepare("PRAGMA quick_check(1)").get()?.["quick_check"];
  if (found !== "ok") throw damaged(file, String(found).replaceAll("\n", " "));
}

function updateSchema(database: DatabaseSync, file: string, mayBeNew: boolean): void {
  const version = Number(database.prepare("PRAGMA user_version").get()?.["user_version"] ?? 0);
  const readable = readableSchema(version);
  if (readable !== "yes") {
    throw new StoreOpenError(
      readable,
      `Cannot open the store ${file}: ${readable === "newer" ? "a newer" : "an older, unreleased"} Lever wrote it (its schema has version ${version}, and this Lever's ${SCHEMA_VERSION}).`,
    );
  }
  if (version === 0) {
    if (database.prepare("SELECT name FROM sqlite_schema LIMIT 1").get() !== undefined) {
      throw damaged(file, "another program has written it");
    }
    if (!mayBeNew) throw lost(file, "is empty");
  }
  for (const step of stepsFrom(version)) {
    database.exec(`BEGIN; ${step.sql} PRAGMA user_version = ${step.version}; COMMIT;`);
  }
}

function lost(file: string, how: string): StoreOpenError {
  return new StoreOpenError("lost", `Cannot open the store ${file}: it ${how}.`);
}

function damaged(file: string, how: string, cause?: unknown): StoreOpenError {
  const message = `Cannot open the store ${file}: it is damaged (${how}).`;
  return new StoreOpenError("damaged", message, { cause });
}

/** The content is damaged if SQLite cannot use it and the system has no part in that. */
const CONTENT_CODES: ReadonlySet<number> = new Set([1, 11, 26]);

/** An error of SQLite about the content or the lock of a file as a StoreOpenError. Other errors stay as they are. */
export function openError(error: unknown, file: string): unknown {
  const code = sqliteCode(error);
  if (code === SQLITE_BUSY) {
    return new StoreOpenError(
      "inUse",
      `Cannot open the store ${file}: another Lever host has it open.`,
      { cause: error },
    );
  }
  const isDamaged = error instanceof Error && code !== undefined && CONTENT_CODES.has(code);
  return isDamaged ? damaged(file, error.message, error) : error;
}
