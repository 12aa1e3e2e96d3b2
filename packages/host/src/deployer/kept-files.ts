import { createHmac, randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createZstdCompress } from "node:zlib";
import { type KeptFile, type KeptFiles, LeverError, type Limits } from "@leveros/protocol";
import type { Store } from "../store/store.ts";
import { tooLarge } from "./archive-error.ts";
import { readTar } from "./archive-format.ts";
import { fileContents, tarFile } from "./archived-files.ts";
import type { CodeStore } from "./code-store.ts";
import { DeploySlots } from "./deploy-slots.ts";

type KeptLimits = Pick<Limits, "unpackedBytesMax" | "archiveEntriesMax" | "concurrentDeploysMax">;

/** Searches at once. Each has a list of digests, and one archive is read after the other. */
const SEARCHES_MAX = 16;

/** Blocks are joined to chunks of this size: a compressor takes them in a fraction of the time of small ones. */
const CHUNK_BYTES = 256 * 1024;
const ZSTD_LEVEL = 2;

/**
 * The files that a new version takes from an earlier one of the same service, so that they need not be sent again.
 *
 * - V1. A file is found only by a digest that needs its content: the key is the host's own, and new at each start. So a
 *   hash from elsewhere gives nobody a file.
 * - V2. Only versions of the service, in the environment that the caller may deploy to, are searched.
 * - V3. The new version's archive is complete, and is then checked and unpacked as one that was sent whole. No version
 *   needs the files of another one.
 */
export class KeptVersions {
  readonly #store: Pick<Store, "versions">;
  readonly #code: CodeStore;
  readonly #limits: KeptLimits;
  readonly #secret = randomBytes(32);
  readonly #slots: DeploySlots;

  constructor(options: { store: Pick<Store, "versions">; code: CodeStore; limits: KeptLimits }) {
    this.#store = options.store;
    this.#code = options.code;
    this.#limits = options.limits;
    const { concurrentDeploysMax: runningMax } = options.limits;
    this.#slots = new DeploySlots({ runningMax, deploysMax: SEARCHES_MAX });
  }

  /** V1. The key of the digests of an environment's files. */
  saltOf(environment: string): string {
    return createHmac("sha256", this.#secret).update(environment).digest("base64url");
  }

  /**
   * The positions of digests whose files a version has. None if it is not kept any more.
   * @throws LeverError `overloaded`
   */
  async find(
    environment: string,
    version: Pick<KeptFiles, "service" | "version">,
    digests: readonly string[],
  ): Promise<readonly number[]> {
    return await this.#slots.admit(environment, () =>
      this.#slots.run(environment, () => this.#find(environment, version, digests)),
    );
  }

  async #find(
    environment: string,
    version: Pick<KeptFiles, "service" | "version">,
    digests: readonly string[],
  ): Promise<readonly number[]> {
    const archive = await this.#archiveOf(environment, version);
    if (archive === undefined) return [];
    const salt = this.saltOf(environment);
    const found = new Set<string>();
    for await (const content of fileContents(archive)) found.add(digestOf(content, salt));
    return digests.flatMap((digest, index) => (found.has(digest) ? index : []));
  }

  /**
   * V3. Adds the kept files to the received archive. Returns the size of the whole archive.
   * @throws LeverError `conflict` when a file is not there any more: the caller then sends the whole archive.
   */
  async addTo(codeId: string, environment: string, kept: KeptFiles): Promise<number> {
    if (kept.files.length > this.#limits.archiveEntriesMax) throw cannotKeep(kept);
    const received = await this.#code.archiveOf(codeId);
    const earlier = await this.#archiveOf(environment, kept);
    if (received === undefined || earlier === undefined) throw cannotKeep(kept);
    const tar = this.#wholeTar({ received, earlier }, kept, this.saltOf(environment));
    const params = {
      [constants.ZSTD_c_checksumFlag]: 1,
      [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL,
    };
    return await this.#code.replaceArchive(codeId, async (file) => {
      const compressor = createZstdCompress({ chunkSize: CHUNK_BYTES, params });
      const target: Writable = createWriteStream(file, { flags: "wx", mode: 0o600 });
      await pipeline(Readable.from(tar), compressor, target);
    });
  }

  /** The kept files come first: what was sent replaces a file with the same path. */
  async *#wholeTar(
    { received, earlier }: { received: string; earlier: string },
    kept: KeptFiles,
    salt: string,
  ): AsyncGenerator<Buffer> {
    const missing = Map.groupBy(kept.files, ({ digest }) => digest);
    let bytesLeft = this.#limits.unpackedBytesMax;
    const count = (block: Buffer): Buffer => {
      bytesLeft -= block.length;
      if (bytesLeft < 0) throw tooLarge(this.#limits.unpackedBytesMax);
      return block;
    };
    let parts: Buffer[] = [];
    let bytes = 0;
    for await (const content of fileContents(earlier)) {
      const digest = digestOf(content, salt);
      for (const file of missing.get(digest) ?? []) {
        const part = count(tarFile(file, content));
        parts.push(part);
        bytes += part.length;
        if (bytes < CHUNK_BYTES) continue;
        yield Buffer.concat(parts, bytes);
        parts = [];
        bytes = 0;
      }
      missing.delete(digest);
    }
    if (missing.size > 0) throw cannotKeep(kept);
    yield Buffer.concat(parts, bytes);
    for await (const chunk of readTar(received)) yield count(chunk);
  }

  /** V2. */
  async #archiveOf(
    environment: string,
    { service, version }: Pick<KeptFiles, "service" | "version">,
  ): Promise<string | undefined> {
    const versions = await this.#store.versions(environment);
    const found = versions.find((of) => of.service === service && of.version === version);
    return found === undefined ? undefined : await this.#code.archiveOf(found.codeId);
  }
}

function digestOf(content: Uint8Array, salt: string): KeptFile["digest"] {
  return createHmac("sha256", salt).update(content).digest("base64url");
}

function cannotKeep({ service, version }: KeptFiles): LeverError {
  return new LeverError(
    "conflict",
    `Cannot take files of ${service} version ${version}: the host does not have all of them any more. Send the whole archive.`,
  );
}
