import { open } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { Header, Pax } from "tar";
import { CommandError, exitStatus } from "../../exit-status.ts";
import { type ArchiveEntry, bytesOf } from "./contents/contents.ts";

/** The time that npm uses, too: zip cannot store times before 1980. */
const MODIFIED_AT = new Date("1985-10-26T08:15:00Z");
const READ_BYTES = 256 * 1024;
const BLOCK_BYTES = 512;

/** A .tar.gz in memory. */
export interface PackedArchive {
  /** undefined if the archive is larger than was allowed. */
  readonly chunks: readonly Buffer[] | undefined;
  readonly archiveBytes: number;
  /** The size before compression: of the files and of what tar adds to each. */
  readonly unpackedBytes: number;
}

export interface PackOptions {
  /** A larger archive is measured, and not kept. */
  readonly archiveBytesMax: number;
  /** Is called with the size of each file after it was packed. */
  onPacked?(bytes: number): void;
}

/**
 * Packs entries into a .tar.gz. It depends only on their names, modes and content, not on owners or times.
 * @throws CommandError when a file cannot be read, or changes while it is packed.
 */
export async function packEntries(
  entries: readonly ArchiveEntry[],
  { archiveBytesMax, onPacked }: PackOptions,
): Promise<PackedArchive> {
  let unpackedBytes = 0;
  let archiveBytes = 0;
  let chunks: Buffer[] | undefined = [];
  const blocks = async function* (): AsyncGenerator<Buffer> {
    for await (const block of tarBlocks(entries, onPacked)) {
      unpackedBytes += block.length;
      yield block;
    }
  };
  await pipeline(Readable.from(blocks()), createGzip(), async (archive: AsyncIterable<Buffer>) => {
    for await (const chunk of archive) {
      archiveBytes += chunk.length;
      if (archiveBytes > archiveBytesMax) chunks = undefined;
      chunks?.push(chunk);
    }
  });
  return { chunks, archiveBytes, unpackedBytes };
}

async function* tarBlocks(
  entries: readonly ArchiveEntry[],
  onPacked: PackOptions["onPacked"],
): AsyncGenerator<Buffer> {
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

async function* readExactly(
  source: string,
  { path, bytes }: { path: string; bytes: number },
): AsyncGenerator<Buffer> {
  const file = await open(source, "r").catch((cause: unknown) => {
    throw cannotPack(path, cause);
  });
  try {
    let left = bytes;
    // One byte more than expected shows that the file has grown.
    while (left >= 0) {
      const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, left + 1));
      const { bytesRead } = await file.read(buffer, 0, buffer.length).catch((cause: unknown) => {
        throw cannotPack(path, cause);
      });
      if (bytesRead === 0 && left === 0) return;
      left -= bytesRead;
      if (bytesRead === 0 || left < 0) throw cannotPack(path, undefined);
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
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
