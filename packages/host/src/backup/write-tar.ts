import type { FileHandle } from "node:fs/promises";
import { Header, Pax } from "tar";
import type { BackupEntry } from "./backup-format.ts";

const BLOCK_BYTES = 512;
const CHUNK_BYTES = 256 * 1024;
const TYPES = { file: "File", folder: "Directory", link: "SymbolicLink" } as const;

/** The header of an entry in a tar. */
export function tarHeader({ kind, path, mode, size, target }: BackupEntry): Buffer {
  const fields = {
    path: kind === "folder" ? `${path}/` : path,
    size,
    mtime: new Date(0),
    ...(kind === "link" && { linkpath: target }),
  };
  const block = Buffer.alloc(BLOCK_BYTES);
  // A name that is too long for the header goes into one of its own.
  const isTooLong = new Header({ ...fields, type: TYPES[kind], mode }).encode(block);
  return isTooLong ? Buffer.concat([new Pax(fields).encode(), block]) : block;
}

/** The rest of the last block of a file. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES);
}

/** Two empty blocks end a tar. */
export const TAR_END: Buffer = Buffer.alloc(2 * BLOCK_BYTES);

/**
 * Exactly so many bytes from the beginning of a file. Zeros stand for what it has lost meanwhile; `onShort` is called then.
 */
export async function* readExactly(
  file: FileHandle,
  size: number,
  onShort: () => void,
): AsyncGenerator<Buffer> {
  for (let position = 0; position < size; ) {
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, size - position));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) {
      onShort();
      for (; position < size; position += CHUNK_BYTES) {
        yield Buffer.alloc(Math.min(CHUNK_BYTES, size - position));
      }
      return;
    }
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}
