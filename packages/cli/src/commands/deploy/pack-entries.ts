import { closeSync, openSync, readSync } from "node:fs";
import type { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createGzip, createZstdCompress } from "node:zlib";
import type { ArchiveFormat } from "@leveros/protocol";
import { Header } from "tar/header";
import { Pax } from "tar/pax";
import { CommandError, exitStatus } from "../../exit-status.ts";
import { bytesOf, type CodeEntry } from "./contents/contents.ts";

/** The time that npm uses, too: zip cannot store times before 1980. */
const MODIFIED_AT = new Date("1985-10-26T08:15:00Z");
const CHUNK_BYTES = 256 * 1024;
const BLOCK_BYTES = 512;
const EMPTY_BLOCK: Buffer = Buffer.alloc(BLOCK_BYTES);
const ONE_BYTE: Buffer = Buffer.alloc(1);
/** Names up to this length need no header of their own. */
const SHORT_NAME_BYTES = 90;
/** More than compression adds to bytes that cannot be compressed. */
const COMPRESSION_EXCESS = 1.01;
/** Packs sources smaller than gzip, in half of the time of the default, 3. */
const ZSTD_LEVEL = 2;

/** A compressed archive in memory. */
export interface PackedArchive {
  /** undefined if the archive is larger than was allowed. */
  readonly chunks: readonly Buffer[] | undefined;
  readonly archiveBytes: number;
  /** The size before compression: of the files and of what tar adds to each. */
  readonly unpackedBytes: number;
}

export interface PackOptions {
  readonly format: ArchiveFormat;
  /** A larger archive is measured, and not kept. */
  readonly archiveBytesMax: number;
  /** Is called with the size of each file after it was packed. */
  onPacked?(bytes: number): void;
  /** Is called with each chunk of the archive, until it is too large. */
  onChunk?(chunk: Buffer): void;
}

/** No archive of the entries is larger, before or after compression. */
export function archiveBytesBound(entries: readonly CodeEntry[]): number {
  let bytes = 4 * BLOCK_BYTES;
  for (const entry of entries) {
    const names = entry.path + (entry.kind === "link" ? entry.target : "");
    const nameBytes = Buffer.byteLength(names);
    const isShort = nameBytes === names.length && nameBytes < SHORT_NAME_BYTES;
    bytes += 2 * BLOCK_BYTES + bytesOf(entry) + (isShort ? 0 : 4 * BLOCK_BYTES + 2 * nameBytes);
  }
  return Math.ceil(bytes * COMPRESSION_EXCESS) + CHUNK_BYTES;
}

/**
 * Packs entries into an archive. It depends only on their names, modes and content, not on owners or times.
 * @throws CommandError when a file cannot be read, or changes while it is packed.
 */
export async function packEntries(
  entries: readonly CodeEntry[],
  { format, archiveBytesMax, onPacked, onChunk }: PackOptions,
): Promise<PackedArchive> {
  let unpackedBytes = 0;
  let archiveBytes = 0;
  let chunks: Buffer[] | undefined = [];
  const compressor = createCompressor(format);
  const compressed = pipeline(compressor, async (archive: AsyncIterable<Buffer>) => {
    for await (const chunk of archive) {
      archiveBytes += chunk.length;
      if (archiveBytes > archiveBytesMax) chunks = undefined;
      if (chunks === undefined) continue;
      chunks.push(chunk);
      onChunk?.(chunk);
    }
  });
  try {
    let isTaken = Promise.resolve();
    for (const chunk of new TarChunks().of(entries, onPacked)) {
      unpackedBytes += chunk.length;
      // The chunk before this one is compressed while this one is filled, and its memory is used again for the next one.
      await isTaken;
      if (compressor.destroyed) break;
      isTaken = write(compressor, chunk);
    }
    await isTaken;
    compressor.end();
  } catch (error) {
    compressor.destroy(error instanceof Error ? error : new Error(String(error)));
  }
  await compressed;
  return { chunks, archiveBytes, unpackedBytes };
}

function createCompressor(format: ArchiveFormat): Transform {
  switch (format) {
    case "tar.zst":
      return createZstdCompress({
        chunkSize: CHUNK_BYTES,
        params: {
          [constants.ZSTD_c_checksumFlag]: 1,
          [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL,
        },
      });
    case "tar.gz":
      return createGzip({ chunkSize: CHUNK_BYTES });
  }
}

/** Resolves when the chunk is no longer in use: compressed, or the compressor has failed. */
function write(compressor: Transform, chunk: Buffer): Promise<void> {
  return new Promise((resolve) => {
    compressor.write(chunk, () => resolve());
  });
}

/**
 * The chunks of an archive before compression: few large ones take a compressor a fraction of the time of many small ones. The memory
 * of a chunk is used again for the next but one.
 */
class TarChunks {
  #chunk: Buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  #other: Buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  #used = 0;

  *of(entries: readonly CodeEntry[], onPacked: PackOptions["onPacked"]): Generator<Buffer> {
    for (const entry of entries) {
      yield* this.#put(headerOf(entry));
      const bytes = bytesOf(entry);
      if (entry.kind === "file") yield* this.#read(entry.source, { path: entry.path, bytes });
      if (entry.kind === "text") yield* this.#put(Buffer.from(entry.text));
      yield* this.#put(
        EMPTY_BLOCK.subarray(0, (BLOCK_BYTES - (bytes % BLOCK_BYTES)) % BLOCK_BYTES),
      );
      if (bytes > 0) onPacked?.(bytes);
    }
    // Two empty blocks end an archive.
    yield* this.#put(EMPTY_BLOCK);
    yield* this.#put(EMPTY_BLOCK);
    yield this.#chunk.subarray(0, this.#used);
  }

  *#put(bytes: Buffer): Generator<Buffer> {
    for (let at = 0; at < bytes.length; ) {
      const copied = bytes.copy(this.#chunk, this.#used, at);
      at += copied;
      yield* this.#fill(copied);
    }
  }

  /**
   * Reads a file into the chunks. Synchronous: files are small, and a promise for each costs more than the read. The compressor
   * works in another thread.
   */
  *#read(source: string, { path, bytes }: { path: string; bytes: number }): Generator<Buffer> {
    const file = tryTo(() => openSync(source, "r"), path);
    try {
      let left = bytes;
      let isAtEnd = false;
      while (left > 0) {
        // A byte more than expected shows that the file has grown.
        const length = Math.min(left + 1, CHUNK_BYTES - this.#used);
        const bytesRead = tryTo(() => readSync(file, this.#chunk, this.#used, length, null), path);
        if (bytesRead === 0 || bytesRead > left) throw cannotPack(path, undefined);
        isAtEnd = bytesRead < length;
        left -= bytesRead;
        yield* this.#fill(bytesRead);
      }
      if (!isAtEnd && tryTo(() => readSync(file, ONE_BYTE), path) > 0) {
        throw cannotPack(path, undefined);
      }
    } finally {
      closeSync(file);
    }
  }

  /** So many bytes were written to the chunk. Yields it when it is full. */
  *#fill(bytes: number): Generator<Buffer> {
    this.#used += bytes;
    if (this.#used < CHUNK_BYTES) return;
    yield this.#chunk;
    [this.#chunk, this.#other] = [this.#other, this.#chunk];
    this.#used = 0;
  }
}

function headerOf(entry: CodeEntry): Buffer {
  const path = entry.kind === "folder" ? `${entry.path}/` : entry.path;
  const fields = {
    path,
    size: bytesOf(entry),
    mtime: MODIFIED_AT,
    ...(entry.kind === "link" && { linkpath: entry.target }),
  };
  const type = { folder: "Directory", file: "File", text: "File", link: "SymbolicLink" } as const;
  const isExecutable = entry.kind === "folder" || (entry.kind === "file" && entry.isExecutable);
  const mode = entry.kind === "link" ? 0o777 : isExecutable ? 0o755 : 0o644;
  const header = new Header({ ...fields, type: type[entry.kind], mode });
  const block = Buffer.alloc(BLOCK_BYTES);
  // Names that are too long for a header go into one of their own.
  const isTooLong = header.encode(block);
  return isTooLong ? Buffer.concat([new Pax(fields).encode(), block]) : block;
}

function tryTo<Result>(read: () => Result, path: string): Result {
  try {
    return read();
  } catch (cause) {
    throw cannotPack(path, cause);
  }
}

function cannotPack(path: string, cause: unknown): CommandError {
  const code = cause instanceof Error && "code" in cause ? cause.code : "ENOENT";
  const reason =
    code === "ENOENT"
      ? "it changed while it was being read"
      : code === "EACCES"
        ? "permission to read it is missing"
        : String(cause);
  return new CommandError(exitStatus.failed, `Cannot pack ${path}: ${reason}.`, { cause });
}
