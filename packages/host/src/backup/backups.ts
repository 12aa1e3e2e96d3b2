import { mkdir, open, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createZstdCompress } from "node:zlib";
import { type BackupReport, LeverError } from "@leveros/protocol";
import { type Clock, isoTime } from "../clock.ts";
import { codeIdsIn } from "../store/copy-database.ts";
import type { SqliteStore } from "../store/sqlite-store.ts";
import {
  type BackupEntry,
  BackupSum,
  backupHead,
  FIRST_ENTRY,
  LAST_ENTRY,
} from "./backup-format.ts";
import { readFolder } from "./read-folder.ts";
import { readExactly, TAR_END, tarHeader, tarPadding } from "./write-tar.ts";

const CHUNK_BYTES = 256 * 1024;
const ZSTD_LEVEL = 2;
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

export interface BackupsOptions {
  readonly dataDir: string;
  readonly store: Pick<SqliteStore, "copyTo">;
  /** Links the archive of code into a folder. Returns its name there; undefined = it is lost. */
  readonly linkArchive: (codeId: string, dir: string) => Promise<string | undefined>;
  /** Opens the data of a service for reading, wherever it is; undefined = it has none. */
  readonly openServiceData: (
    environment: string,
    service: string,
  ) => Promise<{ readonly dir: string; release(): void } | undefined>;
  /** The id of the key of a cluster's secrets, which is in a file elsewhere. Default: the host is the only one. */
  readonly keyId?: string | undefined;
  readonly clock: Pick<Clock, "wallTime">;
}

/** Receives a backup. */
export interface BackupTarget {
  /** Resolves when the next chunk can be taken. @throws when the receiver has gone. */
  take(chunk: Buffer): Promise<void>;
}

/**
 * Makes backups of the data folder while the host runs: a snapshot of the database, the archives that it names, the key of
 * secrets, and on request the services' data. Memory is bounded: the receiver sets the pace.
 */
export class Backups {
  readonly #options: BackupsOptions;
  #isRunning = false;

  constructor(options: BackupsOptions) {
    this.#options = options;
  }

  /** @throws LeverError `conflict` while another backup runs; and what `target.take` throws. */
  async write(
    target: BackupTarget,
    { hasServiceData }: { hasServiceData: boolean },
  ): Promise<BackupReport> {
    if (this.#isRunning) {
      throw new LeverError("conflict", "Cannot make a backup: another one is being made.");
    }
    this.#isRunning = true;
    // Emptied at the next start, if this process does not come to it.
    const dir = join(this.#options.dataDir, "staging", "backup");
    try {
      await rm(dir, { recursive: true, force: true });
      await mkdir(dir, { recursive: true, mode: FOLDER_MODE });
      const running = new RunningBackup(this.#options, dir, hasServiceData);
      const params = {
        [constants.ZSTD_c_checksumFlag]: 1,
        [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL,
      };
      const compressor = createZstdCompress({ chunkSize: CHUNK_BYTES, params });
      await pipeline(Readable.from(running.tar()), compressor, async (chunks) => {
        for await (const chunk of chunks as AsyncIterable<Buffer>) await target.take(chunk);
      });
      return running.report();
    } finally {
      await rm(dir, { recursive: true, force: true });
      this.#isRunning = false;
    }
  }
}

class RunningBackup {
  readonly #options: BackupsOptions;
  readonly #dir: string;
  readonly #hasServiceData: boolean;
  readonly #createdAt: string;
  readonly #sum = new BackupSum();
  #archives = 0;
  #archivesLost = 0;
  #filesSkipped = 0;
  #filesChanged = 0;

  constructor(options: BackupsOptions, dir: string, hasServiceData: boolean) {
    this.#options = options;
    this.#dir = dir;
    this.#hasServiceData = hasServiceData;
    this.#createdAt = isoTime(options.clock.wallTime());
  }

  report(): BackupReport {
    const { keyId } = this.#options;
    return {
      createdAt: this.#createdAt,
      hasServiceData: this.#hasServiceData,
      archives: this.#archives,
      archivesLost: this.#archivesLost,
      filesSkipped: this.#filesSkipped,
      filesChanged: this.#filesChanged,
      ...(keyId !== undefined && { keyId }),
    };
  }

  async *tar(): AsyncGenerator<Buffer> {
    const { dataDir, store, linkArchive, keyId } = this.#options;
    const database = join(this.#dir, "lever.sqlite");
    await store.copyTo(database);
    // From here on nothing can remove them.
    const links = join(this.#dir, "archives");
    await mkdir(links, { mode: FOLDER_MODE });
    for (const codeId of codeIdsIn(database)) {
      if ((await linkArchive(codeId, links)) === undefined) this.#archivesLost++;
    }
    yield* describe(FIRST_ENTRY, backupHead(this.#createdAt, this.#hasServiceData));
    yield* this.#file("version", join(dataDir, "version"));
    yield* this.#file("lever.sqlite", database);
    if (keyId === undefined) yield* this.#file("secret.key", join(dataDir, "secret.key"));
    yield this.#folder("archives");
    for (const name of await readdir(links)) {
      this.#archives++;
      yield* this.#file(`archives/${name}`, join(links, name));
    }
    if (this.#hasServiceData) yield* this.#servicesData();
    yield* describe(LAST_ENTRY, this.#sum.end());
    yield TAR_END;
  }

  async *#servicesData(): AsyncGenerator<Buffer> {
    const { dataDir, openServiceData } = this.#options;
    const [folders, disks] = [join(dataDir, "services"), join(dataDir, "disks")];
    yield this.#folder("services");
    for (const environment of await namesIn(folders, disks)) {
      const path = `services/${environment}`;
      yield this.#folder(path);
      for (const service of await namesIn(join(folders, environment), join(disks, environment))) {
        const data = await openServiceData(environment, service).catch((cause: unknown) => {
          const reason = cause instanceof Error ? cause.message : String(cause);
          throw new LeverError(
            "not_supported",
            `Cannot read the data of ${service} in ${environment}: ${reason}.`,
            { cause },
          );
        });
        if (data === undefined) continue;
        try {
          yield* this.#serviceData(`${path}/${service}`, data.dir);
        } finally {
          data.release();
        }
      }
    }
  }

  async *#serviceData(path: string, dir: string): AsyncGenerator<Buffer> {
    yield this.#folder(path);
    const onSkipped = (): void => {
      this.#filesSkipped++;
    };
    for await (const found of readFolder(dir, { onSkipped })) {
      const inner = `${path}/${found.path}`;
      switch (found.kind) {
        case "folder":
          yield this.#folder(inner, found.mode);
          break;
        case "link": {
          const { kind, target } = found;
          yield this.#header({ kind, path: inner, mode: 0o777, size: 0, target });
          break;
        }
        case "file": {
          const { kind, mode, size } = found;
          yield this.#header({ kind, path: inner, mode, size, target: "" });
          yield* this.#content(readExactly(found.file, size, () => this.#filesChanged++));
          yield tarPadding(size);
        }
      }
    }
  }

  /** A file of Lever's own. Nothing, if it is missing. */
  async *#file(path: string, source: string): AsyncGenerator<Buffer> {
    const file = await open(source).catch(() => undefined);
    if (file === undefined) return;
    try {
      const { size } = await file.stat();
      yield this.#header({ kind: "file", path, mode: FILE_MODE, size, target: "" });
      yield* this.#content(readExactly(file, size, () => this.#filesChanged++));
      yield tarPadding(size);
    } finally {
      await file.close();
    }
  }

  async *#content(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      this.#sum.addContent(chunk);
      yield chunk;
    }
  }

  #folder(path: string, mode = FOLDER_MODE): Buffer {
    return this.#header({ kind: "folder", path, mode, size: 0, target: "" });
  }

  #header(entry: BackupEntry): Buffer {
    this.#sum.add(entry);
    return tarHeader(entry);
  }
}

function* describe(path: string, value: object): Generator<Buffer> {
  const text = Buffer.from(`${JSON.stringify(value)}\n`);
  yield tarHeader({ kind: "file", path, mode: FILE_MODE, size: text.length, target: "" });
  yield text;
  yield tarPadding(text.length);
}

/** The names in folders, without those of copies in progress: no service has a name with "+". */
async function namesIn(...dirs: readonly string[]): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  for (const dir of dirs) {
    for (const name of await readdir(dir).catch(() => [])) if (!name.includes("+")) names.add(name);
  }
  return names;
}
