import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open, realpath, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import { contentType } from "./content-type.ts";
import { isVisible } from "./file-path.ts";
import { isHashedName } from "./hashed-name.ts";

/** Larger files are read for each response. */
const CONTENT_BYTES_MAX = 256 * 1024;
/** Characters of base64url: 96 bits. */
const TAG_LENGTH = 16;
/** Never waits for a pipe, and follows no link that has taken the place of the file. */
const READ: number = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** The system's reasons why there is no such file. */
const NOT_FOUND: ReadonlySet<unknown> = new Set([
  "ENOENT",
  "ENOTDIR",
  "ENAMETOOLONG",
  "ELOOP",
  "EACCES",
]);

/** The bytes of a file, as they are or compressed. */
export interface FileBytes {
  /** Its real path. */
  readonly path: string;
  readonly size: number;
  /** Its entity tag (RFC 9110, 8.8.3). */
  readonly tag: string;
  /** undefined = it is too large. */
  readonly content: Buffer | undefined;
}

/** A file of a site. */
export interface FoundFile {
  readonly kind: "file";
  readonly type: string;
  /** Its name has a hash of its content. */
  readonly isHashed: boolean;
  readonly plain: FileBytes;
  /** A compressed copy beside it: `.br`, `.gz`. */
  readonly br: FileBytes | undefined;
  readonly gzip: FileBytes | undefined;
}

/** `folder`: it is the name of a folder that has an `index.html`. */
export type Found = FoundFile | { readonly kind: "folder" } | { readonly kind: "none" };

/**
 * Looks a file up that `filePath` has named. Links may lead to other files of the folder, not out of it, and to no hidden ones.
 * @throws Error of the system when it cannot be read.
 */
export async function findFile(folder: string, name: string): Promise<Found> {
  const root = await realpath(folder).catch((error: unknown) => notFound(error, undefined));
  if (root === undefined) return { kind: "none" };
  const found = await inside(root, name);
  if (found === "none") return { kind: "none" };
  if (found === "folder") {
    const index = await inside(root, join(name, "index.html"));
    return typeof index === "object" ? { kind: "folder" } : { kind: "none" };
  }
  const plain = await readBytes(found.path, folder);
  if (plain === undefined) return { kind: "none" };
  const compressed = async (end: string): Promise<FileBytes | undefined> => {
    const beside = await inside(root, name + end);
    return typeof beside === "object" ? await readBytes(beside.path, folder) : undefined;
  };
  return {
    kind: "file",
    type: contentType(name),
    isHashed: isHashedName(name),
    plain,
    br: await compressed(".br"),
    gzip: await compressed(".gz"),
  };
}

/** Opens the bytes of a found file. */
export async function openBytes({ path }: FileBytes): Promise<FileHandle> {
  return await open(path, READ);
}

async function inside(
  root: string,
  name: string,
): Promise<{ readonly path: string } | "folder" | "none"> {
  try {
    const path = await realpath(join(root, name));
    const isInside = path.startsWith(root + sep) && isVisible(path.slice(root.length + 1));
    if (!isInside) return "none";
    const found = await stat(path);
    if (found.isDirectory()) return "folder";
    return found.isFile() ? { path } : "none";
  } catch (error) {
    return notFound(error, "none");
  }
}

async function readBytes(path: string, folder: string): Promise<FileBytes | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, READ);
  } catch (error) {
    return notFound(error, undefined);
  }
  try {
    const { size } = await file.stat();
    if (size > CONTENT_BYTES_MAX) {
      // The folder belongs to one version, and the tag to one address.
      return { path, size, tag: tagOf(folder, String(size)), content: undefined };
    }
    const content = await file.readFile();
    return { path, size: content.length, tag: tagOf(content), content };
  } finally {
    await file.close();
  }
}

function tagOf(...parts: readonly (Buffer | string)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return `"${hash.digest("base64url").slice(0, TAG_LENGTH)}"`;
}

function notFound<Value>(error: unknown, value: Value): Value {
  if (error instanceof Error && "code" in error && NOT_FOUND.has(error.code)) return value;
  throw error;
}
