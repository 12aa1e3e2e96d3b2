import { constants } from "node:fs";
import { chmod, copyFile, mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Limits } from "@leveros/protocol";
import { tooLarge, tooManyEntries } from "./archive-error.ts";
import { isTypeScript } from "./archive-paths.ts";
import type { Unpacked } from "./unpack-archive.ts";

/** A file, folder or link of a service that is deployed from this machine. Paths are relative to the code, with `/`. */
export type CodeEntry =
  | { readonly kind: "folder"; readonly path: string }
  | {
      readonly kind: "file";
      readonly path: string;
      /** The absolute path to copy. */
      readonly source: string;
      readonly bytes: number;
      readonly isExecutable: boolean;
    }
  | { readonly kind: "text"; readonly path: string; readonly text: string }
  /** The target is absolute, or relative to the folder of the link. */
  | { readonly kind: "link"; readonly path: string; readonly target: string };

/** Files that are copied at the same time. */
const AT_ONCE = 64;

/** Copies the entries into a new folder. @throws LeverError `too_large`; the system's error for a file that cannot be read. */
export async function copyEntries(
  entries: readonly CodeEntry[],
  folder: string,
  { unpackedBytesMax, archiveEntriesMax }: Pick<Limits, "unpackedBytesMax" | "archiveEntriesMax">,
): Promise<Unpacked> {
  const unpackedBytes = entries.reduce((sum, entry) => sum + bytesOf(entry), 0);
  if (entries.length > archiveEntriesMax) throw tooManyEntries(archiveEntriesMax);
  if (unpackedBytes > unpackedBytesMax) throw tooLarge(unpackedBytesMax);
  await mkdir(folder, { mode: 0o700 });
  const folders = entries.map(({ kind, path }) => (kind === "folder" ? path : dirname(path)));
  for (const path of new Set(folders)) await mkdir(join(folder, path), { recursive: true });
  for (let from = 0; from < entries.length; from += AT_ONCE) {
    const some = entries.slice(from, from + AT_ONCE);
    await Promise.all(some.map((entry) => copyEntry(entry, join(folder, entry.path))));
  }
  return {
    hasTypeScript: entries.some(({ kind, path }) => kind === "file" && isTypeScript(path)),
    unpackedBytes,
    entries: entries.length,
  };
}

async function copyEntry(entry: CodeEntry, to: string): Promise<void> {
  switch (entry.kind) {
    case "folder":
      return;
    case "file":
      // Its copy shares the blocks of the file where the file system can do that.
      await copyFile(entry.source, to, constants.COPYFILE_FICLONE);
      await chmod(to, entry.isExecutable ? 0o755 : 0o644);
      return;
    case "text":
      await writeFile(to, entry.text, { mode: 0o644 });
      return;
    case "link":
      await symlink(entry.target, to);
      return;
  }
}

function bytesOf(entry: CodeEntry): number {
  if (entry.kind === "file") return entry.bytes;
  return entry.kind === "text" ? Buffer.byteLength(entry.text) : 0;
}
