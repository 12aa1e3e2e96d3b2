import { gzipSync } from "node:zlib";
import { Header, type types } from "tar";

export interface ArchiveEntry {
  readonly path: string;
  readonly body?: string | Buffer;
  readonly type?: types.EntryTypeName;
  readonly linkpath?: string;
  /** The size in the header. Default: that of the body. */
  readonly size?: number;
  /** Default: 644. */
  readonly mode?: number;
}

/** A tar archive, header by header: with entries that no honest packer writes. */
export function tarOf(entries: readonly ArchiveEntry[]): Buffer {
  return Buffer.concat([...entries.map(tarEntry), Buffer.alloc(1024)]);
}

/** A tar archive, compressed with gzip. */
export function archiveOf(entries: readonly ArchiveEntry[]): Buffer {
  return gzipSync(tarOf(entries), { level: 1 });
}

/** A service folder as an archive: paths and contents. */
export function serviceArchive(files: Readonly<Record<string, string | Buffer>>): Buffer {
  return archiveOf(Object.entries(files).map(([path, body]) => ({ path, body })));
}

export function tarEntry(entry: ArchiveEntry): Buffer {
  const body = Buffer.from(entry.body ?? "");
  const header = new Header({
    path: entry.path,
    type: entry.type ?? "File",
    mode: entry.mode ?? 0o644,
    size: entry.size ?? body.length,
    mtime: new Date(0),
    ...(entry.linkpath !== undefined && { linkpath: entry.linkpath }),
  });
  const block = Buffer.alloc(512);
  header.encode(block);
  return Buffer.concat([block, body, Buffer.alloc((512 - (body.length % 512)) % 512)]);
}
