import type { Stats } from "node:fs";
import { join, relative, sep } from "node:path";
import { Pack } from "tar";
import { CommandError, exitStatus } from "../../exit-status.ts";
import type { FolderEntry } from "./list-entries.ts";

/** The time that npm uses, too: zip cannot store times before 1980. */
const MODIFIED_AT = new Date("1985-10-26T08:15:00Z");
const READ_BYTES = 256 * 1024;

/**
 * Packs entries of a folder into a .tar.gz. It depends only on their names, modes and content, not on owners or times.
 * The archive is produced in chunks, only as fast as the caller reads them.
 * @param onPacked is called with the size of each file before it is packed.
 * @throws CommandError when a file cannot be read, or changes while it is packed.
 */
export async function* packEntries(
  folder: string,
  entries: readonly FolderEntry[],
  onPacked: (bytes: number) => void = () => {},
): AsyncGenerator<Buffer> {
  const pack = new Pack({
    cwd: folder,
    portable: true,
    strict: true,
    gzip: true,
    mtime: MODIFIED_AT,
    noDirRecurse: true,
    // All paths are relative. Without this option the library would shorten a name such as "c:x".
    preservePaths: true,
    maxReadSize: READ_BYTES,
    statCache: statCacheOf(folder, entries),
    onWriteEntry: ({ type, stat }) => {
      if (type === "File") onPacked(stat?.size ?? 0);
    },
  });
  for (const { path } of entries) pack.add(path);
  pack.end();
  try {
    for await (const chunk of pack) yield chunk;
  } catch (cause) {
    throw cannotPack(folder, cause);
  }
}

/** The stats of the entries under the keys that the library uses, so that it does not read them again. */
function statCacheOf(folder: string, entries: readonly FolderEntry[]): Map<string, Stats> {
  const cache = new Map<string, Stats>();
  for (const { path, stats } of entries) {
    // A file with several hard links is packed once per name: its other names may be outside of the folder.
    stats.nlink = 1;
    cache.set(join(folder, path).replaceAll(sep, "/"), stats);
  }
  return cache;
}

function cannotPack(folder: string, cause: unknown): CommandError {
  const error: NodeJS.ErrnoException = cause instanceof Error ? cause : new Error(String(cause));
  const path = error.path === undefined ? "the folder" : relative(folder, error.path);
  const reason =
    error.code === "EOF" || error.code === "ENOENT"
      ? "it changed while it was being read"
      : error.code === "EACCES"
        ? "permission to read it is missing"
        : error.message;
  return new CommandError(exitStatus.failed, `Cannot pack ${path}: ${reason}.`, { cause });
}
