import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import type { Transform } from "node:stream";
import { constants, createGunzip, createZstdDecompress } from "node:zlib";
import type { ArchiveFormat } from "@leveros/protocol";

/** The first bytes of a Zstandard frame (RFC 8878, 3.1.1). */
const ZSTD_MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
/** A frame declares how much memory its reader needs: at most 8 MiB here, the most of all levels that are not "ultra". */
const ZSTD_WINDOW_LOG_MAX = 23;
const CHUNK_BYTES = 64 * 1024;

/** The tar of a compressed archive. */
export async function* readTar(archive: string): AsyncGenerator<Buffer> {
  const decompressor = createDecompressor(await formatOf(archive));
  const source = createReadStream(archive, { highWaterMark: CHUNK_BYTES });
  const tar = source.pipe(decompressor);
  source.on("error", (error) => tar.destroy(error));
  try {
    yield* tar as AsyncIterable<Buffer>;
  } finally {
    source.destroy();
    tar.destroy();
  }
}

/** Reads the format of an archive from its first bytes. Anything unknown counts as gzip, whose reader then refuses it. */
export async function formatOf(archive: string): Promise<ArchiveFormat> {
  const file = await open(archive, "r");
  try {
    const head = Buffer.alloc(ZSTD_MAGIC.length);
    await file.read(head, 0, head.length, 0);
    return head.equals(ZSTD_MAGIC) ? "tar.zst" : "tar.gz";
  } finally {
    await file.close();
  }
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
