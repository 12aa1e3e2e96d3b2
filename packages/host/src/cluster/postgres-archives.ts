import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { LeverError } from "@leveros/protocol";
import type { PostgresPool } from "./postgres-pool.ts";

const PART_BYTES = 1024 * 1024;
/** An archive is stored before its version. Until then, no version needs it. */
const NEEDED_WITHIN = "1 hour";

/**
 * Archives of deployed code, in parts of 1 MiB. They are complete with their SHA-256, which is written last. Every method throws
 * LeverError `unavailable`.
 */
export class PostgresArchives {
  readonly #pool: PostgresPool;

  constructor(pool: PostgresPool) {
    this.#pool = pool;
  }

  /** Stores an archive. One that was stored partly is replaced. */
  async put(codeId: string, archive: AsyncIterable<Uint8Array>): Promise<void> {
    await this.#pool.use("store the archive", async (session) => {
      await session.query("DELETE FROM archives WHERE codeId = $1", [codeId]);
      await session.query("INSERT INTO archives (codeId) VALUES ($1)", [codeId]);
      const hash = createHash("sha256");
      let part = 0;
      let bytes = 0;
      for await (const content of inParts(archive)) {
        await session.query("INSERT INTO archive_parts VALUES ($1, $2, $3)", [
          codeId,
          part,
          content,
        ]);
        hash.update(content);
        bytes += content.length;
        part++;
      }
      const values = [codeId, hash.digest("hex"), bytes];
      await session.query("UPDATE archives SET sha256 = $2, bytes = $3 WHERE codeId = $1", values);
    });
  }

  /** Stores the archive in a file. */
  async putFile(codeId: string, file: string): Promise<void> {
    await this.put(codeId, createReadStream(file));
  }

  /** Writes an archive to a new file. */
  async getFile(codeId: string, file: string): Promise<void> {
    const target = createWriteStream(file, { flags: "wx", mode: 0o600 });
    await pipeline(this.get(codeId), target);
  }

  /**
   * Reads an archive. The parts before an error must not be used.
   * @throws LeverError `unavailable` when it is missing, incomplete or changed
   */
  async *get(codeId: string): AsyncGenerator<Buffer, void, undefined> {
    const [archive] = await this.#read("SELECT sha256 FROM archives WHERE codeId = $1", [codeId]);
    const sha256 = archive?.["sha256"] ?? undefined;
    if (sha256 === undefined) throw unusable(codeId, "is not in the cluster's database");
    const hash = createHash("sha256");
    for (let part = 0; ; part++) {
      const [row] = await this.#read(
        "SELECT bytes FROM archive_parts WHERE codeId = $1 AND part = $2",
        [codeId, part],
      );
      const content = row?.["bytes"];
      if (!Buffer.isBuffer(content)) break;
      hash.update(content);
      yield content;
    }
    if (hash.digest("hex") !== sha256) {
      throw unusable(codeId, "differs from what was deployed: its SHA-256 is another one");
    }
  }

  /** Removes archives that no version needs. */
  async removeUnneeded(): Promise<number> {
    return await this.#pool.use("remove archives", async (session) => {
      const { count } = await session.query(
        `DELETE FROM archives a WHERE a.storedAt < clock_timestamp() - $1::interval
         AND NOT EXISTS (SELECT FROM versions v WHERE v.codeId = a.codeId)`,
        [NEEDED_WITHIN],
      );
      return count;
    });
  }

  async #read(
    text: string,
    values: readonly unknown[],
  ): Promise<readonly Readonly<Record<string, unknown>>[]> {
    return await this.#pool.use(
      "read the archive",
      async (session) => (await session.query(text, values)).rows,
    );
  }
}

function unusable(codeId: string, how: string): LeverError {
  return new LeverError(
    "unavailable",
    `Cannot use the archive ${codeId}: it ${how}. Deploy the service again.`,
  );
}

/** Parts of 1 MiB, and a shorter one at the end. */
async function* inParts(
  archive: AsyncIterable<Uint8Array>,
): AsyncGenerator<Buffer, void, undefined> {
  let gathered: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of archive) {
    for (let at = 0; at < piece.length; ) {
      const content = piece.subarray(at, at + PART_BYTES - bytes);
      gathered.push(content);
      bytes += content.length;
      at += content.length;
      if (bytes < PART_BYTES) continue;
      yield Buffer.concat(gathered);
      gathered = [];
      bytes = 0;
    }
  }
  if (bytes > 0) yield Buffer.concat(gathered);
}
