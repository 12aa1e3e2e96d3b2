import { chmod, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { archiveFormats, LeverError, type Limits } from "@leveros/protocol";
import { KeyedQueue } from "../keyed-queue.ts";
import { bootId } from "../processes/boot-id.ts";
import type { HostNotes } from "../store/host-notes.ts";
import type { VersionRecord } from "../store/store.ts";
import { archiveTooLarge, missingArchive } from "./archive-error.ts";
import { formatOfFile } from "./archive-format.ts";
import type { Archives } from "./archives.ts";
import { codeIdOf, newCodeId } from "./code-id.ts";
import { type CodeEntry, copyEntries } from "./copy-entries.ts";
import { EarlyUnpacking } from "./early-unpacking.ts";
import { exists } from "./exists.ts";
import { linkArchive } from "./link-archive.ts";
import { sync } from "./sync.ts";
import { type Unpacked, unpackArchive } from "./unpack-archive.ts";

type Complete = (unpacked: UnpackedCode) => Promise<void>;
type BootNotes = Pick<HostNotes, "read" | "write">;

/** An unpacked archive. */
export interface UnpackedCode extends Unpacked {
  readonly folder: string;
}

/** Added to the name of a folder below `code/` that is not complete. It is there since instances may read only there. */
const INCOMPLETE = ".incomplete";
/** Added to the name of a folder in `staging/` that is unpacked while its archive is received. */
const EARLY = ".early";
/** A folder that was removed while Lever runs is made again. */
const PRIVATE_DIR = { recursive: true, mode: 0o700 };

/**
 * The code of all versions on this host. `archives/` contains the deployed archives, synced to the disk before a version
 * is published. `code/` contains them unpacked and transformed, and can be made again from them. `staging/` is for uploads
 * in progress, and for one of them unpacked. `removed/` has archives that no version needs any more, for as long as a copy of the store still names them.
 *
 * - K1. Every folder below `code/` with the name of a version's code is complete: it has another name until then.
 * - K2. Code that no kept version needs is removed: at once when its version is dropped, after a crash at the next start.
 * - K3. An archive that the store does not name is never deleted at a start: the store may be older than the archive.
 */
export class CodeStore {
  readonly #staging: string;
  readonly #archives: string;
  readonly #code: string;
  readonly #removed: string;
  readonly #limits: Limits;
  readonly #shared: Archives | undefined;
  readonly #fetches = new KeyedQueue();
  readonly #unpacking = new Map<string, Promise<string>>();
  /** Code that was unpacked while its archive was received, and that `unpack` has not taken yet. */
  readonly #early = new Map<string, Unpacked>();
  /** One at a time, which bounds what slow uploads take. */
  #isUnpackingEarly = false;

  /** `shared`: archives that other hosts have, too; undefined = this is the only host. */
  constructor(dataDir: string, limits: Limits, shared?: Archives) {
    this.#staging = join(dataDir, "staging");
    this.#archives = join(dataDir, "archives");
    this.#code = join(dataDir, "code");
    this.#removed = join(dataDir, "removed");
    this.#limits = limits;
    this.#shared = shared;
  }

  /**
   * K2, K3. After a crash of the machine, unpacked files may be incomplete: they are all unpacked again. `needed`: every codeId
   * that the current state names; undefined = the state that is here is old, and nothing is removed.
   */
  async open(notes: BootNotes, needed: ReadonlySet<string> | undefined): Promise<void> {
    await rm(this.#staging, { recursive: true, force: true });
    const boot = bootId();
    if (boot === undefined || (await notes.read("boot")) !== boot) {
      await rm(this.#code, { recursive: true, force: true });
      if (boot !== undefined) await notes.write("boot", boot);
    }
    for (const dir of [this.#staging, this.#archives, this.#code, this.#removed]) {
      await mkdir(dir, { recursive: true });
    }
    // The users of services can enter the data folder, so these must be closed to them.
    for (const dir of [this.#staging, this.#archives, this.#removed]) await chmod(dir, 0o700);
    if (needed === undefined) return;
    for (const name of await readdir(this.#code)) {
      if (!needed.has(name)) await rm(join(this.#code, name), { recursive: true, force: true });
    }
    const isNeeded = (name: string): boolean => needed.has(codeIdOf(name));
    for (const name of await readdir(this.#archives)) {
      if (!isNeeded(name)) await rename(join(this.#archives, name), join(this.#removed, name));
    }
    // The store is a copy from before these were removed.
    for (const name of await readdir(this.#removed)) {
      if (isNeeded(name)) await rename(join(this.#removed, name), join(this.#archives, name));
    }
  }

  /** The archives in `removed/`. */
  async removedNames(): Promise<readonly string[]> {
    return await readdir(this.#removed);
  }

  /** Deletes archives in `removed/`: no copy of the store names them any more. */
  async deleteRemoved(names: readonly string[]): Promise<void> {
    for (const name of names) await rm(join(this.#removed, name), { force: true });
  }

  /**
   * Stores an archive while it arrives. `isWhole`: no files will be added to it, so it may be unpacked meanwhile.
   * @throws LeverError `too_large`, `invalid_archive`; and what `chunks` throws.
   */
  async receive(
    chunks: AsyncIterable<unknown>,
    isWhole = false,
  ): Promise<{ codeId: string; archiveBytes: number }> {
    const codeId = newCodeId();
    const staged = join(this.#staging, codeId);
    for (const dir of [this.#staging, this.#archives]) await mkdir(dir, PRIVATE_DIR);
    const file = await open(staged, "wx", 0o600);
    let archiveBytes = 0;
    let early: EarlyUnpacking | undefined;
    try {
      for await (const chunk of chunks) {
        if (!(chunk instanceof Uint8Array)) {
          throw new LeverError(
            "invalid_archive",
            "Cannot read the archive: a message is not bytes.",
          );
        }
        archiveBytes += chunk.length;
        if (archiveBytes > this.#limits.archiveBytesMax) {
          throw archiveTooLarge(this.#limits.archiveBytesMax);
        }
        if (isWhole && archiveBytes === chunk.length) early ??= this.#unpackEarly(codeId, chunk);
        await Promise.all([file.writeFile(chunk), early?.add(chunk)]);
      }
      await file.close();
      const [unpacked] = await Promise.all([early?.end(), this.#store(staged, codeId)]);
      if (unpacked !== undefined) this.#early.set(codeId, unpacked);
    } catch (error) {
      await file.close().catch(() => {});
      await early?.remove();
      await unstage(staged);
      throw error;
    } finally {
      if (early !== undefined) this.#isUnpackingEarly = false;
    }
    return { codeId, archiveBytes };
  }

  #unpackEarly(codeId: string, first: Uint8Array): EarlyUnpacking | undefined {
    if (this.#isUnpackingEarly) return undefined;
    this.#isUnpackingEarly = true;
    return new EarlyUnpacking(first, join(this.#staging, codeId + EARLY), this.#limits);
  }

  /**
   * Replaces an archive by one that `write` makes. Returns its size.
   * @throws LeverError `too_large`; and what `write` throws.
   */
  async replaceArchive(codeId: string, write: (file: string) => Promise<void>): Promise<number> {
    const staged = join(this.#staging, codeId);
    const before = await this.archiveOf(codeId);
    try {
      await write(staged);
      const { size } = await stat(staged);
      if (size > this.#limits.archiveBytesMax) throw archiveTooLarge(this.#limits.archiveBytesMax);
      const stored = await this.#store(staged, codeId);
      if (before !== undefined && before !== stored) await rm(before, { force: true });
      return size;
    } catch (error) {
      await unstage(staged);
      throw error;
    }
  }

  /** Survives a crash of the machine once it resolves. Returns the archive's path. */
  async #store(staged: string, codeId: string): Promise<string> {
    await sync(staged);
    const archive = join(this.#archives, `${codeId}.${await formatOfFile(staged)}`);
    await rename(staged, archive);
    await sync(this.#archives);
    return archive;
  }

  /**
   * K1. `complete` checks and changes the unpacked files. With `entries`, they are copied: there is no archive.
   * @throws LeverError `invalid_archive`; and what `complete` throws.
   */
  async unpack<Result>(
    codeId: string,
    complete: (unpacked: UnpackedCode) => Promise<Result>,
    entries?: readonly CodeEntry[],
  ): Promise<Result> {
    const early = this.#early.get(codeId);
    this.#early.delete(codeId);
    const staged = join(this.#staging, codeId + (early === undefined ? "" : EARLY));
    const folder = join(this.#code, codeId + INCOMPLETE);
    try {
      await mkdir(this.#staging, PRIVATE_DIR);
      // Users of services may enter it, and not list it.
      await mkdir(this.#code, { recursive: true, mode: 0o711 });
      const unpack = async (): Promise<Unpacked> =>
        await unpackArchive(
          (await this.archiveOf(codeId)) ?? missingArchive(),
          staged,
          this.#limits,
        );
      const copied = entries && (await copyEntries(entries, staged, this.#limits));
      const unpacked = copied ?? early ?? (await unpack());
      await rename(staged, folder);
      const result = await complete({ ...unpacked, folder });
      await rename(folder, join(this.#code, codeId));
      return result;
    } catch (error) {
      for (const path of [staged, folder]) await rm(path, { recursive: true, force: true });
      throw error;
    }
  }

  /** The folder with a version's code; unpacks and completes it first when it is not there. */
  codeDirOf({ codeId }: Pick<VersionRecord, "codeId">, complete: Complete): Promise<string> {
    const known = this.#unpacking.get(codeId);
    if (known !== undefined) return known;
    const found = this.#find(codeId, complete).finally(() => this.#unpacking.delete(codeId));
    this.#unpacking.set(codeId, found);
    return found;
  }

  /** K2. Removes the code of a version that was live. Its archive is kept until `deleteRemoved`. */
  async remove(codeId: string): Promise<void> {
    await mkdir(this.#removed, PRIVATE_DIR);
    const archive = await this.archiveOf(codeId);
    if (archive !== undefined) await rename(archive, join(this.#removed, basename(archive)));
    await rm(join(this.#code, codeId), { recursive: true, force: true });
  }

  /** Deletes the code of a deploy that failed. */
  async discard(codeId: string): Promise<void> {
    const archive = await this.archiveOf(codeId);
    if (archive !== undefined) await rm(archive, { force: true });
    this.#early.delete(codeId);
    for (const path of [join(this.#staging, codeId + EARLY), join(this.#code, codeId)]) {
      await rm(path, { recursive: true, force: true });
    }
  }

  async #find(codeId: string, complete: Complete): Promise<string> {
    const codeDir = join(this.#code, codeId);
    // Every service has this file.
    if (await exists(join(codeDir, "lever.json"))) return codeDir;
    await this.obtain(codeId);
    await rm(codeDir, { recursive: true, force: true });
    await this.unpack(codeId, complete);
    return codeDir;
  }

  /** Resolves when every host can get the archive. Must be called before a version that needs it is published. */
  async share(codeId: string): Promise<void> {
    const archive = this.#shared && (await this.archiveOf(codeId));
    if (archive !== undefined) await this.#shared?.store(codeId, archive);
  }

  /** Resolves when this host has the archive. @throws Error when no host has it, or it cannot be fetched. */
  async obtain(codeId: string): Promise<void> {
    await this.#fetches.run(codeId, async () => {
      if ((await this.archiveOf(codeId)) !== undefined) return;
      const staged = join(this.#staging, codeId);
      try {
        if ((await this.#shared?.fetch(codeId, staged)) !== true) missingArchive();
        await this.#store(staged, codeId);
      } catch (error) {
        await unstage(staged);
        throw error;
      }
    });
  }

  /** Links the archive of code into a folder, also one in `removed/`. Returns its name; undefined = it is lost. */
  async linkArchive(codeId: string, folder: string): Promise<string | undefined> {
    // The first one again: it may have been moved back meanwhile.
    return await linkArchive(codeId, folder, [this.#archives, this.#removed, this.#archives]);
  }

  /** The archive of code; undefined when it is not there. */
  async archiveOf(codeId: string): Promise<string | undefined> {
    for (const format of archiveFormats) {
      const archive = join(this.#archives, `${codeId}.${format}`);
      if (await exists(archive)) return archive;
    }
    return undefined;
  }
}

async function unstage(staged: string): Promise<void> {
  await rm(staged, { force: true });
}
