import { once } from "node:events";
import { chmod, mkdir, open, realpath, rm, symlink } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import type { Limits } from "@leveros/protocol";
import { Parser, type ReadEntry } from "tar";
import { asArchiveError, invalid, shown, tooLarge, tooManyEntries } from "./archive-error.ts";
import { type Archive, readTar } from "./archive-format.ts";
import { ArchivePaths } from "./archive-paths.ts";
import { entryPath } from "./entry-path.ts";
import { makeHardLink, type PendingLink } from "./hard-link.ts";
import { writeSmallFile } from "./write-small-file.ts";

export interface Unpacked {
  /** There is TypeScript other than declarations, outside of installed packages. */
  readonly hasTypeScript: boolean;
  readonly unpackedBytes: number;
  readonly entries: number;
}

type UnpackLimits = Pick<Limits, "unpackedBytesMax" | "archiveEntriesMax">;

/** Files up to this size are read into memory and written at once. */
const SMALL_FILE_BYTES = 1024 * 1024;
/** Bytes and files that may be waiting for the disk before reading pauses. */
const PENDING_BYTES_MAX = 16 * 1024 * 1024;
const PENDING_FILES_MAX = 64;
/** Most bytes of one PAX or GNU long-name header. */
const META_BYTES_MAX = 64 * 1024;

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
  const unpacking = new Unpacking(folder, limits);
  const parser = new Parser({
    strict: true,
    maxMetaEntrySize: META_BYTES_MAX,
    onReadEntry: (entry) => unpacking.take(entry),
  });
  parser.on("ignoredEntry", (entry: ReadEntry) => unpacking.refuseKind(entry));
  parser.on("error", (error: unknown) => unpacking.fail(error));
  let tarBytes = 0;
  try {
    for await (const chunk of readTar(archive)) {
      tarBytes += chunk.length;
      if (tarBytes > limits.unpackedBytesMax) throw tooLarge(limits.unpackedBytesMax);
      if (!parser.write(chunk)) await Promise.race([once(parser, "drain"), unpacking.failed]);
      await unpacking.settle();
    }
    if (tarBytes === 0) throw invalid("it is empty");
    const ended = once(parser, "end");
    parser.end();
    await Promise.race([ended, unpacking.failed]);
    return await unpacking.finish();
  } catch (error) {
    unpacking.fail(error);
    throw asArchiveError(error);
  } finally {
    await unpacking.idle();
  }
}

interface FileWrite {
  readonly mode: number;
  readonly ready: Promise<void>;
}

class Unpacking {
  readonly #folder: string;
  readonly #limits: UnpackLimits;
  readonly #madeDirs = new Map<string, Promise<void>>();
  readonly #pending = new Set<Promise<void>>();
  readonly #paths: ArchivePaths;
  /** The latest write of each file. */
  readonly #writes = new Map<string, { readonly done: Promise<void>; readonly mode: number }>();
  readonly #links = new Map<string, PendingLink>();
  readonly #reading = new Set<ReadEntry>();
  #pendingBytes = 0;
  #entries = 0;
  #bytes = 0;
  #hasFailed = false;
  /** Rejects with the first failure. */
  readonly failed: Promise<never>;
  readonly #reject: (error: unknown) => void;

  constructor(folder: string, limits: UnpackLimits) {
    this.#folder = folder;
    this.#limits = limits;
    this.#paths = new ArchivePaths(limits.archiveEntriesMax);
    const { promise, reject } = Promise.withResolvers<never>();
    this.failed = promise;
    this.#reject = reject;
    // It may fail while nothing awaits this promise.
    promise.catch(() => {});
  }

  fail(error: unknown): void {
    this.#hasFailed = true;
    this.#reject(error);
    // The rest of an entry that is being read will not come: end its reader.
    for (const entry of this.#reading)
      entry.destroy(new Error("Cannot read the entry: unpacking has failed."));
  }

  take(entry: ReadEntry): void {
    if (this.#hasFailed) {
      entry.resume();
      return;
    }
    try {
      this.#admit(entry);
    } catch (error) {
      this.fail(error);
      entry.resume();
    }
  }

  refuseKind(entry: ReadEntry): void {
    this.fail(
      invalid(
        `its entry ${shown(entry.path)} is a ${entry.type}; allowed are files, folders, and links that stay inside`,
      ),
    );
  }

  /** Waits while too much is waiting for the disk. @throws the first failure. */
  async settle(): Promise<void> {
    while (this.#pending.size > PENDING_FILES_MAX || this.#pendingBytes > PENDING_BYTES_MAX) {
      // The oldest: a race of all of them, again and again, takes long for many small files.
      const [oldest] = this.#pending;
      await oldest;
    }
    if (this.#hasFailed) await this.failed;
  }

  /** Waits until nothing is being written. */
  async idle(): Promise<void> {
    await Promise.all(this.#pending);
  }

  async finish(): Promise<Unpacked> {
    await this.idle();
    if (this.#hasFailed) await this.failed;
    for (const { path, target, isHard } of this.#links.values()) {
      await this.#makeDir(dirname(path));
      if (this.#writes.has(path)) await rm(join(this.#folder, path));
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

  /** U2. */
  #admit(entry: ReadEntry): void {
    this.#entries++;
    if (this.#entries > this.#limits.archiveEntriesMax) {
      throw tooManyEntries(this.#limits.archiveEntriesMax);
    }
    const path = entryPath(entry.path);
    if (typeof path !== "string") throw invalid(`its entry ${shown(entry.path)}: ${path.problem}`);
    switch (entry.type) {
      case "Directory":
      case "GNUDumpDir":
        entry.resume();
        this.#paths.claim(path, "folder");
        this.#track(this.#makeDir(path), 0);
        return;
      case "File":
      case "OldFile":
      case "ContiguousFile":
        if (path === "") throw invalid("it has a file without a name");
        this.#bytes += entry.size;
        if (this.#bytes > this.#limits.unpackedBytesMax)
          throw tooLarge(this.#limits.unpackedBytesMax);
        this.#takeFile(entry, path);
        return;
      case "SymbolicLink":
      case "Link":
        entry.resume();
        this.#takeLink(entry, path);
        return;
      default:
        this.refuseKind(entry);
        entry.resume();
    }
  }

  #takeFile(entry: ReadEntry, path: string): void {
    this.#paths.claim(path, "file");
    this.#links.delete(path);
    const mode = (entry.mode ?? 0) & 0o100 ? 0o755 : 0o644;
    const ready = this.#prepare(path, mode);
    const written =
      entry.size <= SMALL_FILE_BYTES
        ? this.#writeSmall(entry, path, { mode, ready })
        : this.#writeLarge(entry, path, { mode, ready });
    // Without a listener, `fail` would throw while the reader waits for its folder. It gets the error once it reads.
    entry.on("error", () => {});
    this.#reading.add(entry);
    const done = written.finally(() => this.#reading.delete(entry));
    this.#writes.set(path, { done, mode });
    this.#track(done, Math.min(entry.size, SMALL_FILE_BYTES));
  }

  /** Makes the folder of a file, and waits until an earlier file with the same path is written. */
  async #prepare(path: string, mode: number): Promise<void> {
    const earlier = this.#writes.get(path);
    await this.#makeDir(dirname(path));
    await earlier?.done;
    // Writing keeps the mode of a file that exists.
    if (earlier !== undefined && earlier.mode !== mode) await chmod(join(this.#folder, path), mode);
  }

  async #writeSmall(entry: ReadEntry, path: string, { mode, ready }: FileWrite): Promise<void> {
    const [bytes] = await Promise.all([contentOf(entry), ready]);
    await writeSmallFile(join(this.#folder, path), bytes, mode);
  }

  async #writeLarge(entry: ReadEntry, path: string, { mode, ready }: FileWrite): Promise<void> {
    await ready;
    const file = await open(join(this.#folder, path), "w", mode);
    try {
      for await (const chunk of entry) await file.writeFile(chunk);
    } finally {
      await file.close();
    }
  }

  #takeLink(entry: ReadEntry, path: string): void {
    const target = entry.linkpath ?? "";
    const isHard = entry.type === "Link";
    // A symbolic link is checked when everything is in place (finish). An absolute one never stays inside.
    const checked = isHard ? entryPath(target) : target.startsWith("/") ? undefined : target;
    if (path === "" || typeof checked !== "string" || checked === "" || target.includes("\0")) {
      throw invalid(
        `its link ${shown(entry.path)} leads to ${shown(target)}, which is not inside the folder`,
      );
    }
    this.#paths.claim(path, "link");
    this.#links.set(path, { path, target: checked, isHard });
  }

  #makeDir(path: string): Promise<void> {
    const known = this.#madeDirs.get(path);
    if (known !== undefined) return known;
    const made = mkdir(join(this.#folder, path), { recursive: true }).then(() => {});
    this.#madeDirs.set(path, made);
    return made;
  }

  #track(work: Promise<void>, bytes: number): void {
    this.#pendingBytes += bytes;
    const tracked = work
      .catch((error: unknown) => this.fail(error))
      .finally(() => {
        this.#pendingBytes -= bytes;
        this.#pending.delete(tracked);
      });
    this.#pending.add(tracked);
  }
}

/** Without a copy if it arrives at once, as nearly all small files do. */
function contentOf(entry: ReadEntry): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    entry.on("data", (part: Buffer) => parts.push(part));
    entry.on("end", () => {
      const [only] = parts;
      resolve(parts.length === 1 && only !== undefined ? only : Buffer.concat(parts));
    });
    entry.on("error", reject);
  });
}
