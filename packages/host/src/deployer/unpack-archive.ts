import { mkdir, realpath, rm, symlink } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import type { Limits } from "@leveros/protocol";
import { asArchiveError, invalid, shown, tooLarge, tooManyEntries } from "./archive-error.ts";
import { type Archive, readTar } from "./archive-format.ts";
import { ArchivePaths } from "./archive-paths.ts";
import { entryPath } from "./entry-path.ts";
import { type FileContent, FileWrites } from "./file-writes.ts";
import { makeHardLink, type PendingLink } from "./hard-link.ts";
import { type TarEntry, type TarListener, TarReader } from "./tar-reader.ts";

export interface Unpacked {
  /** There is TypeScript other than declarations, outside of installed packages. */
  readonly hasTypeScript: boolean;
  readonly unpackedBytes: number;
  readonly entries: number;
}

type UnpackLimits = Pick<Limits, "unpackedBytesMax" | "archiveEntriesMax">;

/**
 * Unpacks a .tar.gz or .tar.zst into a new folder.
 *
 * - U1. Nothing is written outside the folder: paths are checked, and links are created only after all files, so no file
 *   is written through a link. Then every link must resolve to something inside.
 * - U2. Sizes, counts, depths and names are checked before anything is written for them.
 * - U3. The last of several entries with one path counts, whole. A path that is a folder for one entry and something else
 *   for another is refused.
 * @throws LeverError `invalid_archive` with the entry and the reason. The folder must then be removed.
 */
export async function unpackArchive(
  archive: Archive,
  folder: string,
  limits: UnpackLimits,
): Promise<Unpacked> {
  // The user of the service gets access when an instance starts.
  await mkdir(folder, { mode: 0o700 });
  const writes = new FileWrites(folder);
  const unpacking = new Unpacking(folder, limits, writes);
  const reader = new TarReader(unpacking);
  let tarBytes = 0;
  try {
    for await (const chunk of readTar(archive)) {
      tarBytes += chunk.length;
      if (tarBytes > limits.unpackedBytesMax) throw tooLarge(limits.unpackedBytesMax);
      reader.push(chunk);
      await writes.settle();
    }
    if (tarBytes === 0) throw invalid("it is empty");
    reader.end();
    return await unpacking.finish();
  } catch (error) {
    throw asArchiveError(error);
  } finally {
    await writes.stop();
  }
}

class Unpacking implements TarListener {
  readonly #folder: string;
  readonly #limits: UnpackLimits;
  readonly #paths: ArchivePaths;
  readonly #writes: FileWrites;
  readonly #links = new Map<string, PendingLink>();
  /** The file whose content arrives. */
  #file: FileContent | undefined;
  #entries = 0;
  #bytes = 0;

  constructor(folder: string, limits: UnpackLimits, writes: FileWrites) {
    this.#folder = folder;
    this.#limits = limits;
    this.#writes = writes;
    this.#paths = new ArchivePaths(limits.archiveEntriesMax);
  }

  /** U2. @throws LeverError `invalid_archive` */
  onEntry(entry: TarEntry): void {
    this.#entries++;
    if (this.#entries > this.#limits.archiveEntriesMax) {
      throw tooManyEntries(this.#limits.archiveEntriesMax);
    }
    const path = entryPath(entry.path);
    if (typeof path !== "string") throw invalid(`its entry ${shown(entry.path)}: ${path.problem}`);
    switch (entry.type) {
      case "Directory":
      case "GNUDumpDir":
        this.#paths.claim(path, "folder");
        this.#writes.makeDir(path);
        return;
      case "File":
      case "OldFile":
      case "ContiguousFile":
        this.#takeFile(entry, path);
        return;
      case "SymbolicLink":
      case "Link":
        this.#takeLink(entry, path);
        return;
      default:
        throw invalid(
          `its entry ${shown(entry.path)} is a ${entry.type}; allowed are files, folders, and links that stay inside`,
        );
    }
  }

  onContent(piece: Buffer): void {
    this.#file?.add(piece);
  }

  onEntryEnd(): void {
    this.#file?.end();
    this.#file = undefined;
  }

  async finish(): Promise<Unpacked> {
    await this.#writes.finish();
    for (const { path, target, isHard } of this.#links.values()) {
      await mkdir(join(this.#folder, dirname(path)), { recursive: true });
      if (this.#writes.hasFile(path)) await rm(join(this.#folder, path));
      if (isHard) await makeHardLink(this.#folder, { path, target });
      else await symlink(target, join(this.#folder, path));
    }
    const inside = (await realpath(this.#folder)) + sep;
    for (const { path, target } of this.#links.values()) {
      const resolved = await realpath(join(this.#folder, path)).catch(() => undefined);
      // A link to nothing could lead outside later, when something has created its target's path.
      if (resolved === undefined || !`${resolved}${sep}`.startsWith(inside)) {
        throw invalid(
          `its link ${shown(path)} leads to ${shown(target)}, which is not inside the folder`,
        );
      }
    }
    const { hasTypeScript } = this.#paths;
    return { hasTypeScript, unpackedBytes: this.#bytes, entries: this.#entries };
  }

  #takeFile({ mode, size: bytes }: TarEntry, path: string): void {
    if (path === "") throw invalid("it has a file without a name");
    this.#bytes += bytes;
    if (this.#bytes > this.#limits.unpackedBytesMax) throw tooLarge(this.#limits.unpackedBytesMax);
    this.#paths.claim(path, "file");
    this.#links.delete(path);
    this.#file = this.#writes.begin(path, { mode: mode & 0o100 ? 0o755 : 0o644, bytes });
  }

  #takeLink({ type, path: name, linkpath: target }: TarEntry, path: string): void {
    const isHard = type === "Link";
    // A symbolic link is checked when everything is in place (finish). An absolute one never stays inside.
    const checked = isHard ? entryPath(target) : target.startsWith("/") ? undefined : target;
    if (path === "" || typeof checked !== "string" || checked === "" || target.includes("\0")) {
      throw invalid(
        `its link ${shown(name)} leads to ${shown(target)}, which is not inside the folder`,
      );
    }
    this.#paths.claim(path, "link");
    this.#links.set(path, { path, target: checked, isHard });
  }
}
