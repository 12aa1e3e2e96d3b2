import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import type { Readable, Transform } from "node:stream";
import { constants, createGunzip, createZstdDecompress } from "node:zlib";
import type { ArchiveFormat } from "@leveros/protocol";

/** The first bytes of a Zstandard frame (RFC 8878, 3.1.1). */
const ZSTD_MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
/** A frame declares how much memory its reader needs: at most 8 MiB here, the most of all levels that are not "ultra". */
const ZSTD_WINDOW_LOG_MAX = 23;
const CHUNK_BYTES = 256 * 1024;

/** A compressed archive while it arrives. */
interface ArrivingArchive {
  readonly bytes: Readable;
  readonly format: ArchiveFormat;
}

/** A compressed archive: a file, or one that arrives. */
export type Archive = string | ArrivingArchive;

/** The tar of an archive. */
export async function* readTar(archive: Archive): AsyncGenerator<Buffer> {
  const { bytes, format } = typeof archive === "string" ? await openArchive(archive) : archive;
  const tar = bytes.pipe(createDecompressor(format));
  bytes.on("error", (error) => tar.destroy(error));
  try {
    yield* tar as AsyncIterable<Buffer>;
  } finally {
    bytes.destroy();
    tar.destroy();
  }
}

async function openArchive(file: string): Promise<ArrivingArchive> {
  const format = await formatOfFile(file);
  return { format, bytes: createReadStream(file, { highWaterMark: CHUNK_BYTES }) };
}

/** Reads the format of an archive from its first bytes. */
export async function formatOfFile(archive: string): Promise<ArchiveFormat> {
  const file = await open(archive, "r");
  try {
    const head = Buffer.alloc(ZSTD_MAGIC.length);
    await file.read(head, 0, head.length, 0);
    return formatOf(head);
  } finally {
    await file.close();
  }
}

/** The format of an archive that begins with these bytes. Anything unknown counts as gzip, whose reader then refuses it. */
export function formatOf(first: Uint8Array): ArchiveFormat {
  return ZSTD_MAGIC.equals(first.subarray(0, ZSTD_MAGIC.length)) ? "tar.zst" : "tar.gz";
}

/** Decompresses an archive. What follows the first frame of a `tar.zst` is ignored. */
function createDecompressor(format: ArchiveFormat): Transform {
  switch (format) {
    case "tar.zst":
      return createZstdDecompress({
        chunkSize: CHUNK_BYTES,
        params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX },
      });
    case "tar.gz":
      return createGunzip({ chunkSize: CHUNK_BYTES });
  }
}
