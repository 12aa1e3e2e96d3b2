import { KEPT_FILE_BYTES_MAX, type KeptFile } from "@leveros/protocol";
import { Header } from "tar/header";
import { Pax } from "tar/pax";
import { readTar } from "./archive-format.ts";
import { type TarEntry, TarReader } from "./tar-reader.ts";

const BLOCK_BYTES = 512;
const FILE_TYPES: ReadonlySet<string> = new Set(["File", "OldFile", "ContiguousFile"]);

/** False for folders and links. */
export function isFile({ type }: Pick<TarEntry, "type">): boolean {
  return FILE_TYPES.has(type);
}

/** The contents of an archive's files, one after the other, without those that are empty or too large to be kept. */
export async function* fileContents(archive: string): AsyncGenerator<Buffer> {
  const read: Buffer[] = [];
  let parts: Buffer[] | undefined;
  const reader = new TarReader({
    onEntry(entry) {
      const { size } = entry;
      const isKept = size > 0 && size <= KEPT_FILE_BYTES_MAX && isFile(entry);
      parts = isKept ? [] : undefined;
    },
    onContent: (piece) => parts?.push(piece),
    onEntryEnd() {
      if (parts !== undefined) read.push(Buffer.concat(parts));
    },
  });
  for await (const chunk of readTar(archive)) {
    reader.push(chunk);
    yield* read.splice(0);
  }
}

/** A file as it is in an archive: header, content, and the rest of its last block. */
export function tarFile({ path, isExecutable }: KeptFile, content: Buffer): Buffer {
  const fields = { path, size: content.length, mtime: new Date(0) };
  const mode = isExecutable ? 0o755 : 0o644;
  const header = Buffer.alloc(BLOCK_BYTES);
  // A name that is too long for the header goes into one of its own.
  const isTooLong = new Header({ ...fields, type: "File", mode }).encode(header);
  const padding = Buffer.alloc((BLOCK_BYTES - (content.length % BLOCK_BYTES)) % BLOCK_BYTES);
  const long = isTooLong ? [new Pax(fields).encode()] : [];
  return Buffer.concat([...long, header, content, padding]);
}
