import { closeSync, openSync, readSync } from "node:fs";
import { Readable, type Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createGzip, createZstdCompress } from "node:zlib";
import type { ArchiveFormat } from "@leveros/protocol";
import { Header } from "tar/header";
import { Pax } from "tar/pax";
import { CommandError, exitStatus } from "../../exit-status.ts";
import { type ArchiveEntry, bytesOf } from "./contents/contents.ts";

/** The time that npm uses, too: zip cannot store times before 1980. */
const MODIFIED_AT = new Date("1985-10-26T08:15:00Z");
const CHUNK_BYTES = 256 * 1024;
const BLOCK_BYTES = 512;
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
}

/**
 * Packs entries into an archive. It depends only on their names, modes and content, not on owners or times.
 * @throws CommandError when a file cannot be read, or changes while it is packed.
 */
export async function packEntries(
  entries: readonly ArchiveEntry[],
  { format, archiveBytesMax, onPacked }: PackOptions,
): Promise<PackedArchive> {
  let unpackedBytes = 0;
  let archiveBytes = 0;
  let chunks: Buffer[] | undefined = [];
  const tar = function* (): Generator<Buffer> {
    for (const chunk of gather(tarBlocks(entries, onPacked))) {
      unpackedBytes += chunk.length;
      yield chunk;
    }
  };
  const compressor = createCompressor(format);
  await pipeline(Readable.from(tar()), compressor, async (archive: AsyncIterable<Buffer>) => {
    for await (const chunk of archive) {
      archiveBytes += chunk.length;
      if (archiveBytes > archiveBytesMax) chunks = undefined;
      chunks?.push(chunk);
    }
  });
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

/** Joins blocks: a compressor takes few large ones in a fraction of the time of many small ones. */
function* gather(blocks: Iterable<Buffer>): Generator<Buffer> {
  let parts: Buffer[] = [];
  let bytes = 0;
  for (const block of blocks) {
    parts.push(block);
    bytes += block.length;
    if (bytes < CHUNK_BYTES) continue;
    yield Buffer.concat(parts, bytes);
    parts = [];
    bytes = 0;
  }
  yield Buffer.concat(parts, bytes);
}

function* tarBlocks(
  entries: readonly ArchiveEntry[],
  onPacked: PackOptions["onPacked"],
): Generator<Buffer> {
  for (const entry of entries) {
    yield headerOf(entry);
    const bytes = bytesOf(entry);
    if (entry.kind === "file") yield* readExactly(entry.source, { path: entry.path, bytes });
    if (entry.kind === "text") yield Buffer.from(entry.text);
    if (bytes % BLOCK_BYTES > 0) yield Buffer.alloc(BLOCK_BYTES - (bytes % BLOCK_BYTES));
    if (bytes > 0) onPacked?.(bytes);
  }
  // Two empty blocks end an archive.
  yield Buffer.alloc(2 * BLOCK_BYTES);
}

function headerOf(entry: ArchiveEntry): Buffer {
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

/** Synchronous: files are small, and a promise for each costs more than the read. The compressor works in another thread. */
function* readExactly(
  source: string,
  { path, bytes }: { path: string; bytes: number },
): Generator<Buffer> {
  const file = tryTo(() => openSync(source, "r"), path);
  try {
    let left = bytes;
    // One byte more than expected shows that the file has grown.
    while (left >= 0) {
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, left + 1));
      const bytesRead = tryTo(() => readSync(file, buffer), path);
      if (bytesRead === 0 && left === 0) return;
      left -= bytesRead;
      if (bytesRead === 0 || left < 0) throw cannotPack(path, undefined);
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    closeSync(file);
  }
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
