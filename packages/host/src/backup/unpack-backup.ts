import { once } from "node:events";
import { createReadStream } from "node:fs";
import { chmod, mkdir, open, realpath, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { constants, createZstdDecompress } from "node:zlib";
import { Parser, type ReadEntry } from "tar";
import { systemReason } from "../logs/system-reason.ts";
import {
  type BackupEntry,
  type BackupHead,
  BackupSum,
  DAMAGED,
  DESCRIPTION_BYTES_MAX,
  FIRST_ENTRY,
  isAllowed,
  LAST_ENTRY,
  NOT_A_BACKUP,
  readBackupHead,
  TORN,
} from "./backup-format.ts";

/** A backup cannot be restored. The message is a sentence for the user. */
export class RestoreError extends Error {
  override readonly name = "RestoreError";
}

export interface UnpackBackupOptions {
  readonly file: string;
  /** An empty folder. When this fails, it must be removed. */
  readonly dir: string;
  /** Is called with the bytes of the file that have been read so far. */
  readonly onRead?: (bytes: number) => void;
}

/** The first bytes of a Zstandard frame (RFC 8878, 3.1.1). */
const ZSTD_MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
/** Memory for reading: at most 8 MiB, the most of all levels that are not "ultra". */
const ZSTD_WINDOW_LOG_MAX = 23;
const CHUNK_BYTES = 64 * 1024;
/** Most bytes of a header with a long name. */
const META_BYTES_MAX = 64 * 1024;

/**
 * Unpacks a backup into a folder, and checks that it is whole. Nothing is written outside of the folder: each path is
 * checked, and the folder of each entry must be a real one.
 * @throws RestoreError
 */
export async function unpackBackup({
  file,
  dir,
  onRead,
}: UnpackBackupOptions): Promise<BackupHead> {
  const unpacking = new Unpacking(file, await realpath(dir));
  const parser = new Parser({
    strict: true,
    maxMetaEntrySize: META_BYTES_MAX,
    onReadEntry: (entry) => unpacking.take(entry),
  });
  parser.on("ignoredEntry", () => unpacking.fail(unpacking.refusal(DAMAGED)));
  parser.on("error", (error: unknown) => unpacking.fail(error));
  const decompressor = createZstdDecompress({
    chunkSize: CHUNK_BYTES,
    params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX },
  });
  try {
    await pipeline(
      createReadStream(file, { highWaterMark: CHUNK_BYTES }),
      (chunks: AsyncIterable<Buffer>) => checkStart(chunks, unpacking, onRead),
      decompressor,
      async (tar: AsyncIterable<Buffer>) => {
        for await (const chunk of tar) {
          if (!parser.write(chunk)) await Promise.race([once(parser, "drain"), unpacking.failed]);
        }
        const ended = once(parser, "end");
        parser.end();
        await Promise.race([ended, unpacking.failed]);
      },
    );
    return await unpacking.finish();
  } catch (error) {
    await unpacking.stop();
    throw unpacking.describe(error);
  }
}

async function* checkStart(
  chunks: AsyncIterable<Buffer>,
  unpacking: Unpacking,
  onRead: UnpackBackupOptions["onRead"],
): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of chunks) {
    if (bytes === 0 && !chunk.subarray(0, ZSTD_MAGIC.length).equals(ZSTD_MAGIC)) {
      throw unpacking.refusal(NOT_A_BACKUP);
    }
    bytes += chunk.length;
    onRead?.(bytes);
    yield chunk;
  }
  if (bytes === 0) throw unpacking.refusal("it is empty");
}

class Unpacking {
  readonly #file: string;
  readonly #dir: string;
  readonly #sum = new BackupSum();
  #head: BackupHead | undefined;
  #hasEnd = false;
  #work: Promise<void> = Promise.resolve();
  #entry: ReadEntry | undefined;
  /** The folder of the last entry, which is a real one. */
  #checkedDir = "";
  /** Rejects with the first failure. */
  readonly failed: Promise<never>;
  readonly #reject: (error: unknown) => void;

  constructor(file: string, dir: string) {
    this.#file = file;
    this.#dir = dir;
    const { promise, reject } = Promise.withResolvers<never>();
    this.failed = promise;
    this.#reject = reject;
    // It may fail while nothing awaits this promise.
    promise.catch(() => {});
  }

  fail(error: unknown): void {
    this.#reject(error);
  }

  refusal(reason: string, cause?: unknown): RestoreError {
    return new RestoreError(`Cannot restore ${this.#file}: ${reason}.`, { cause });
  }

  /** Any error as a sentence. */
  describe(error: unknown): unknown {
    if (error instanceof RestoreError) return error;
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (code === "ZSTD_error_srcSize_wrong" || code === "Z_BUF_ERROR")
      return this.refusal(TORN, error);
    const isDamage = /^(?:ZSTD|Z_|TAR_)/.test(code);
    return this.refusal(isDamage ? DAMAGED : (systemReason(error) ?? String(error)), error);
  }

  /** The parser passes one entry after the other. */
  take(entry: ReadEntry): void {
    this.#entry = entry;
    // Without a listener, `stop` would throw while nothing reads the entry. Its reader gets the error once it reads.
    entry.on("error", () => {});
    this.#work = this.#work.then(() => this.#take(entry));
    this.#work.catch((error: unknown) => {
      this.fail(error);
      entry.resume();
    });
  }

  /** The rest of the last entry will not come: ends its reader, and waits until no file is open. */
  async stop(): Promise<void> {
    this.#entry?.destroy(new Error("Cannot read the entry: unpacking has failed."));
    await this.#work.catch(() => {});
  }

  async finish(): Promise<BackupHead> {
    await this.#work;
    if (this.#head === undefined) throw this.refusal(NOT_A_BACKUP);
    if (!this.#hasEnd) throw this.refusal(TORN);
    return this.#head;
  }

  async #take(entry: ReadEntry): Promise<void> {
    if (this.#head === undefined) {
      if (entry.path !== FIRST_ENTRY) throw this.refusal(NOT_A_BACKUP);
      const head = readBackupHead(await this.#text(entry));
      if (typeof head === "string") throw this.refusal(head);
      this.#head = head;
      return;
    }
    if (this.#hasEnd) throw this.refusal(DAMAGED);
    if (entry.path === LAST_ENTRY) {
      if (!this.#sum.matches(await this.#text(entry))) throw this.refusal(DAMAGED);
      this.#hasEnd = true;
      return;
    }
    const found = entryOf(entry);
    if (found === undefined || !isAllowed(found)) {
      throw this.refusal(
        `its entry ${JSON.stringify(entry.path.slice(0, 200))} is not of a backup`,
      );
    }
    this.#sum.add(found);
    const path = join(this.#dir, found.path);
    await this.#checkDir(dirname(path));
    switch (found.kind) {
      case "folder":
        entry.resume();
        // Its owner must be able to write what follows.
        await mkdir(path, { mode: found.mode | 0o700 });
        break;
      case "link":
        entry.resume();
        await symlink(found.target, path);
        break;
      case "file":
        await this.#writeFile(entry, path, found.mode);
    }
  }

  async #writeFile(entry: ReadEntry, path: string, mode: number): Promise<void> {
    const file = await open(path, "wx", 0o600);
    try {
      for await (const chunk of entry) {
        this.#sum.addContent(chunk);
        await file.writeFile(chunk);
      }
    } finally {
      await file.close();
    }
    if (mode !== 0o600) await chmod(path, mode);
  }

  /** A link among the entries must not lead the ones after it out of the folder. */
  async #checkDir(dir: string): Promise<void> {
    if (dir === this.#checkedDir) return;
    const real = await realpath(dir).catch(() => undefined);
    if (real !== dir) throw this.refusal(DAMAGED);
    this.#checkedDir = dir;
  }

  async #text(entry: ReadEntry): Promise<string> {
    if (entry.size > DESCRIPTION_BYTES_MAX) throw this.refusal(DAMAGED);
    return (await entry.concat()).toString("utf8");
  }
}

const KINDS: Readonly<Record<string, BackupEntry["kind"]>> = {
  File: "file",
  OldFile: "file",
  Directory: "folder",
  SymbolicLink: "link",
};

function entryOf({ type, path, mode = 0, size, linkpath }: ReadEntry): BackupEntry | undefined {
  const kind = KINDS[type];
  if (kind === undefined) return undefined;
  return {
    kind,
    path: kind === "folder" ? path.replace(/\/$/, "") : path,
    mode: mode & 0o777,
    size: kind === "file" ? size : 0,
    target: kind === "link" ? (linkpath ?? "") : "",
  };
}
