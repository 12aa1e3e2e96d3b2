import { createHash, type Hash } from "node:crypto";
import { readFile, realpath, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import {
  type ChangedFile,
  LeverError,
  type Limits,
  type VersionChanges,
  type VersionFile,
} from "@leveros/protocol";
import type { Store, VersionRecord } from "../store/store.ts";
import { readTar } from "./archive-format.ts";
import { isFile } from "./archived-files.ts";
import type { CodeStore } from "./code-store.ts";
import { DeploySlots } from "./deploy-slots.ts";
import { entryPath } from "./entry-path.ts";
import { type TarEntry, TarReader } from "./tar-reader.ts";

/** Files in the answer to a comparison. */
const CHANGED_MAX = 1_000;
/** A larger file is listed, and not shown. */
const SHOWN_BYTES_MAX = 256 * 1024;
/** Reads of archives that may be asked for at once. Two run, and the others wait. */
const READS_MAX = 16;
const RUNNING_MAX = 2;

/** A file of an archive: of entries with one path the last one counts. */
interface ArchivedFile {
  readonly bytes: number;
  readonly digest: string;
}

interface VersionFilesOptions {
  readonly store: Pick<Store, "versions">;
  readonly code: Pick<CodeStore, "archiveOf" | "obtain">;
  /** The folder with a version's code. */
  readonly codeDirOf: (record: VersionRecord) => Promise<string>;
  readonly limits: Pick<Limits, "unpackedBytesMax">;
}

/** The files of kept versions, as they were deployed: people look at them. */
export class VersionFiles {
  readonly #options: VersionFilesOptions;
  readonly #slots = new DeploySlots({ runningMax: RUNNING_MAX, deploysMax: READS_MAX });

  constructor(options: VersionFilesOptions) {
    this.#options = options;
  }

  /**
   * The files that differ between two versions of a service.
   * @throws LeverError `not_found` for a version that is not kept; `overloaded`
   */
  async compare(
    environment: string,
    service: string,
    { before, after }: { readonly before: number; readonly after: number },
  ): Promise<VersionChanges> {
    return await this.#inTurn(environment, async () => {
      const [old, now] = [
        await this.#digests(await this.#record(environment, service, before)),
        await this.#digests(await this.#record(environment, service, after)),
      ];
      const paths = [...new Set([...old.keys(), ...now.keys()])].sort();
      const files = paths.flatMap((path): ChangedFile[] => {
        const [was, is] = [old.get(path), now.get(path)];
        if (was?.digest === is?.digest) return [];
        return [{ path, before: was?.bytes ?? null, after: is?.bytes ?? null }];
      });
      return {
        files: files.slice(0, CHANGED_MAX),
        more: Math.max(0, files.length - CHANGED_MAX),
      };
    });
  }

  /**
   * A file of a version. Of a service that is being developed, as it runs: it has no archive.
   * @throws LeverError `not_found` for a version that is not kept, or a file that it does not have; `overloaded`
   */
  async read(
    environment: string,
    { service, version, path }: { service: string; version: number; path: string },
  ): Promise<VersionFile> {
    return await this.#inTurn(environment, async () => {
      const record = await this.#record(environment, service, version);
      const archive = await this.#archiveOf(record);
      const found =
        archive === undefined
          ? await unpackedFile(await this.#options.codeDirOf(record), path)
          : await this.#archivedFile(archive, path);
      if (found !== undefined) return { path, bytes: found.bytes, text: textOf(found.content) };
      throw new LeverError(
        "not_found",
        `Cannot show ${JSON.stringify(path.slice(0, 200))}: version ${version} of ${service} has no such file.`,
      );
    });
  }

  async #inTurn<Result>(environment: string, work: () => Promise<Result>): Promise<Result> {
    return await this.#slots.admit(environment, () => this.#slots.run(environment, work));
  }

  async #record(environment: string, service: string, version: number): Promise<VersionRecord> {
    const all = await this.#options.store.versions(environment);
    const found = all.find((of) => of.service === service && of.version === version);
    if (found !== undefined) return found;
    throw new LeverError(
      "not_found",
      `Cannot read version ${version} of ${service}: it is not kept.`,
    );
  }

  async #archiveOf({ codeId }: VersionRecord): Promise<string | undefined> {
    const { code } = this.#options;
    // Another host of the cluster may have received it.
    await code.obtain(codeId).catch(() => {});
    return await code.archiveOf(codeId);
  }

  async #digests(record: VersionRecord): Promise<Map<string, ArchivedFile>> {
    const { version, service } = record;
    const archive = await this.#archiveOf(record);
    if (archive === undefined) {
      throw new LeverError(
        "not_found",
        `Cannot compare version ${version} of ${service}: it has no archive, as its service is being developed here.`,
      );
    }
    const files = new Map<string, ArchivedFile>();
    let hash: Hash | undefined;
    await this.#readArchive(archive, {
      onFile(entry) {
        const mayExecute = (entry.mode & 0o100) !== 0;
        hash = createHash("sha256").update(`${entry.linkpath}\0${mayExecute}\0`);
      },
      onContent: (piece) => hash?.update(piece),
      onFileEnd(path, bytes) {
        if (hash !== undefined) files.set(path, { bytes, digest: hash.digest("base64") });
        hash = undefined;
      },
    });
    return files;
  }

  async #archivedFile(
    archive: string,
    wanted: string,
  ): Promise<{ bytes: number; content: Buffer | undefined } | undefined> {
    let found: { bytes: number; content: Buffer | undefined } | undefined;
    let parts: Buffer[] | undefined;
    await this.#readArchive(archive, {
      onFile({ size }, path) {
        parts = path === wanted && size <= SHOWN_BYTES_MAX ? [] : undefined;
      },
      // The next piece may be in the same memory.
      onContent: (piece) => parts?.push(Buffer.from(piece)),
      onFileEnd(path, bytes) {
        if (path === wanted) found = { bytes, content: parts && Buffer.concat(parts) };
      },
    });
    return found;
  }

  /** Passes on the files and links of an archive, one after the other. */
  async #readArchive(
    archive: string,
    on: {
      onFile(entry: TarEntry, path: string): void;
      onContent(piece: Buffer): void;
      onFileEnd(path: string, bytes: number): void;
    },
  ): Promise<void> {
    let file: { path: string; bytes: number } | undefined;
    const reader = new TarReader({
      onEntry(entry) {
        const path = entryPath(entry.path);
        file = undefined;
        if (typeof path !== "string" || (!isFile(entry) && entry.linkpath === "")) return;
        file = { path, bytes: entry.size };
        on.onFile(entry, path);
      },
      onContent(piece) {
        if (file !== undefined) on.onContent(piece);
      },
      onEntryEnd() {
        if (file !== undefined) on.onFileEnd(file.path, file.bytes);
      },
    });
    let bytes = 0;
    for await (const chunk of readTar(archive)) {
      bytes += chunk.length;
      // The limit may be lower than at its deploy.
      if (bytes > this.#options.limits.unpackedBytesMax) break;
      reader.push(chunk);
    }
  }
}

/** A file in a folder of code, but none that a link leads out of it. */
async function unpackedFile(
  folder: string,
  path: string,
): Promise<{ bytes: number; content: Buffer | undefined } | undefined> {
  if (entryPath(path) !== path) return undefined;
  try {
    const [inside, file] = [await realpath(folder), await realpath(join(folder, path))];
    if (!file.startsWith(inside + sep)) return undefined;
    const found = await stat(file);
    if (!found.isFile()) return undefined;
    const { size: bytes } = found;
    return { bytes, content: bytes <= SHOWN_BYTES_MAX ? await readFile(file) : undefined };
  } catch {
    return undefined;
  }
}

function textOf(content: Buffer | undefined): string | null {
  if (content === undefined || content.includes(0)) return null;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(content);
  } catch {
    return null;
  }
}
