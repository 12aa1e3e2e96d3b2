import { once } from "node:events";
import { createReadStream } from "node:fs";
import { link, lstat, mkdir, open, realpath, symlink, writeFile } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { createGunzip } from "node:zlib";
import { LeverError, type Limits } from "@leveros/protocol";
import { Parser, type ReadEntry } from "tar";
import { entryPath } from "./entry-path.ts";

export interface Unpacked {
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
 * Unpacks a .tar.gz into a new folder.
 *
 * - U1. Nothing is written outside the folder: paths are checked, and links are created only after all files, so no file
 *   is written through a link. Then every link must resolve to something inside.
 * - U2. Sizes, counts, depths and names are checked before anything is written for them.
 * @throws LeverError `invalid_archive` with the entry and the reason. The folder must then be removed.
 */
export async function unpackArchive(
  archive: string,
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
  const source = createReadStream(archive);
  const gunzip = source.pipe(createGunzip({ chunkSize: 64 * 1024 }));
  source.on("error", (error) => gunzip.destroy(error));
  let tarBytes = 0;
  try {
    for await (const chunk of gunzip as AsyncIterable<Buffer>) {
      tarBytes += chunk.length;
      if (tarBytes > limits.unpackedBytesMax) throw tooLarge(limits);
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
    source.destroy();
    gunzip.destroy();
    await unpacking.idle();
  }
}

interface PendingLink {
  readonly path: string;
  readonly target: string;
  readonly isHard: boolean;
}

class Unpacking {
  readonly #folder: string;
  readonly #limits: UnpackLimits;
  readonly #madeDirs = new Map<string, Promise<void>>();
  readonly #pending = new Set<Promise<void>>();
  readonly #links: PendingLink[] = [];
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
      await Promise.race(this.#pending);
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
    for (const { path, target, isHard } of this.#links) {
      await this.#makeDir(dirname(path));
      if (isHard) await this.#makeHardLink(path, target);
      else await symlink(target, join(this.#folder, path));
    }
    const inside = (await realpath(this.#folder)) + sep;
    for (const { path, target } of this.#links) {
      const resolved = await realpath(join(this.#folder, path)).catch(() => undefined);
      // A link to nothing could lead outside later, when something has created its target's path.
      if (resolved === undefined || !`${resolved}${sep}`.startsWith(inside)) {
        throw invalid(
          `its link ${shown(path)} leads to ${shown(target)}, which is not inside the folder`,
        );
      }
    }
    return { unpackedBytes: this.#bytes, entries: this.#entries };
  }

  /** U2. */
  #admit(entry: ReadEntry): void {
    this.#entries++;
    if (this.#entries > this.#limits.archiveEntriesMax) {
      throw invalid(`it has more than ${this.#limits.archiveEntriesMax} entries`);
    }
    const path = entryPath(entry.path);
    if (typeof path !== "string") throw invalid(`its entry ${shown(entry.path)}: ${path.problem}`);
    switch (entry.type) {
      case "Directory":
      case "GNUDumpDir":
        entry.resume();
        this.#track(this.#makeDir(path), 0);
        return;
      case "File":
      case "OldFile":
      case "ContiguousFile":
        if (path === "") throw invalid("it has a file without a name");
        this.#bytes += entry.size;
        if (this.#bytes > this.#limits.unpackedBytesMax) throw tooLarge(this.#limits);
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
    const mode = (entry.mode ?? 0) & 0o100 ? 0o755 : 0o644;
    const written =
      entry.size <= SMALL_FILE_BYTES
        ? this.#writeSmall(entry, path, mode)
        : this.#writeLarge(entry, path, mode);
    this.#reading.add(entry);
    const done = written.finally(() => this.#reading.delete(entry));
    this.#track(done, Math.min(entry.size, SMALL_FILE_BYTES));
  }

  async #writeSmall(entry: ReadEntry, path: string, mode: number): Promise<void> {
    const [bytes] = await Promise.all([entry.concat(), this.#makeDir(dirname(path))]);
    await writeFile(join(this.#folder, path), bytes, { mode });
  }

  async #writeLarge(entry: ReadEntry, path: string, mode: number): Promise<void> {
    await this.#makeDir(dirname(path));
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
    this.#links.push({ path, target: checked, isHard });
  }

  async #makeHardLink(path: string, target: string): Promise<void> {
    const source = join(this.#folder, target);
    const found = await lstat(source).catch(() => undefined);
    // U1: a file that exists only through an earlier link of this archive is refused.
    if (found?.isFile() !== true || (await realpath(source)) !== source) {
      throw invalid(
        `its link ${shown(path)} leads to ${shown(target)}, which is no file of the archive`,
      );
    }
    await link(source, join(this.#folder, path));
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

function tooLarge(limits: UnpackLimits): LeverError {
  return invalid(`unpacked it has more than ${limits.unpackedBytesMax} bytes`);
}

function invalid(reason: string, cause?: unknown): LeverError {
  return new LeverError("invalid_archive", `Cannot unpack the archive: ${reason}.`, { cause });
}

/** Errors of the libraries about broken archives as `invalid_archive`. Other errors are the host's own, and returned. */
function asArchiveError(error: unknown): unknown {
  if (error instanceof LeverError || !(error instanceof Error)) return error;
  const code = "code" in error ? String(error.code) : "";
  if (code === "Z_BUF_ERROR") return invalid("it is cut off in the middle", error);
  if (code.startsWith("Z_")) return invalid("it is not compressed with gzip", error);
  const tarCode = "tarCode" in error ? String(error.tarCode) : code;
  if (tarCode.startsWith("TAR_")) return invalid(`it is no tar archive (${error.message})`, error);
  if (["EEXIST", "ENOTDIR", "EISDIR"].includes(code)) {
    return invalid("two of its entries have conflicting paths", error);
  }
  return error;
}

function shown(path: string): string {
  const text = JSON.stringify(path);
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}
