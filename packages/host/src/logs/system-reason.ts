/** Reasons of the system, by Node's error codes. */
const byCode: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EROFS: "the file system is read-only",
  EACCES: "Lever's user has no permission",
  EPERM: "Lever's user has no permission",
  EEXIST: "a file is in the place of a folder",
  ENOTDIR: "a file is in the place of a folder",
  EISDIR: "a folder is in the place of a file",
  ENOENT: "a file is missing",
  EIO: "the disk reports errors",
  EMFILE: "too many files are open",
  ENFILE: "too many files are open",
};

/** Reasons of SQLite, by its primary result codes (https://www.sqlite.org/rescode.html). */
const bySqliteCode: ReadonlyMap<number, string> = new Map([
  [8, "the database is read-only"],
  [10, "the disk reports errors"],
  [11, "the database is damaged"],
  [13, "the disk is full"],
  [14, "the database cannot be opened"],
  [26, "the file is not a database"],
]);

/**
 * Why the system or the database refused something, as the end of a sentence. It has no paths, so that callers may see it.
 * undefined = the error is of another kind.
 */
export function systemReason(error: unknown): string | undefined {
  const sqlite = sqliteCode(error);
  if (sqlite !== undefined) return bySqliteCode.get(sqlite) ?? `SQLite reports error ${sqlite}`;
  if (!(error instanceof Error) || !("errno" in error) || !("code" in error)) return undefined;
  const code = String(error.code);
  return `${byCode[code] ?? "the system refused it"} (${code})`;
}

/** The primary result code of an error of SQLite; undefined = it is none. */
export function sqliteCode(error: unknown): number | undefined {
  const isSqlite =
    error instanceof Error && "errcode" in error && typeof error.errcode === "number";
  return isSqlite ? Number(error.errcode) & 0xff : undefined;
}

const SQLITE_FULL = 13;

export function isDiskFull(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ENOSPC" || code === "EDQUOT" || sqliteCode(error) === SQLITE_FULL;
}
