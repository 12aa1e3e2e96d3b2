import type { Stats } from "node:fs";
import { join, relative, sep } from "node:path";
import { Pack } from "tar";
import { CommandError, exitStatus } from "../../exit-status.ts";
import type { FolderEntry } from "./list-entries.ts";

/** What zip and npm use as well: later than what any tool takes for a mistake. */
const MODIFIED_AT = new Date("1985-10-26T08:15:00Z");
const READ_BYTES = 256 * 1024;

/**
 * Packs entries of a folder into a .tar.gz that depends on nothing but their names, modes and content: no owners, no
 * times. Gives it in pieces, as fast as they are taken.
 * @param onPacked hears the size of each file when its turn comes.
 * @throws CommandError when a file cannot be read, or changes meanwhile.
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
    // A name such as "c:x" is no absolute path: there are none among the entries.
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

/** What is known of the entries already, under the names by which the library looks for it. */
function statCacheOf(folder: string, entries: readonly FolderEntry[]): Map<string, Stats> {
  const cache = new Map<string, Stats>();
  for (const { path, stats } of entries) {
    // A file with several names is packed as several files: not all of its names need to be in this folder.
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
        ? "it may not be read"
        : error.message;
  return new CommandError(exitStatus.failed, `Cannot pack ${path}: ${reason}.`, { cause });
}
