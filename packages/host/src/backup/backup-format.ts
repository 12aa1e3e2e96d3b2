/**
 * The format of backups: a tar that is compressed with zstd. Its first entry describes it. The files of the data folder follow,
 * by their paths in it. The last entry has the hash of all entries between: a backup without it is torn.
 */
import { createHash, type Hash } from "node:crypto";
import { isJsonObject } from "@leveros/protocol";

export const FIRST_ENTRY = "lever-backup.json";
export const LAST_ENTRY = "lever-backup-end.json";
/** Increase it when an earlier Lever could no longer read a backup. */
const FORMAT_VERSION = 1;
/** Most bytes of the first and of the last entry. */
export const DESCRIPTION_BYTES_MAX: number = 64 * 1024;
/** Folders in each other in a service's data: each one is open while those inside are read. */
export const DEPTH_MAX = 256;

/** The first entry. */
export interface BackupHead {
  readonly format: "lever backup";
  readonly version: number;
  /** ISO 8601. */
  readonly createdAt: string;
  /** The services' data is in it. */
  readonly hasServiceData: boolean;
}

/** An entry between the first and the last one. */
export interface BackupEntry {
  readonly kind: "file" | "folder" | "link";
  /** Relative to the data folder. */
  readonly path: string;
  /** The permissions. */
  readonly mode: number;
  /** Bytes of a file; 0 of others. */
  readonly size: number;
  /** The target of a link; `""` of others. */
  readonly target: string;
}

/** The last entry. */
interface BackupEnd {
  readonly entries: number;
  /** The size of all files together. */
  readonly bytes: number;
  /** The hash of all entries, in hexadecimal digits. */
  readonly sha256: string;
}

export function backupHead(createdAt: string, hasServiceData: boolean): BackupHead {
  return { format: "lever backup", version: FORMAT_VERSION, createdAt, hasServiceData };
}

/** The first entry; a text = the reason why it is refused. */
export function readBackupHead(json: string): BackupHead | string {
  const value = parseJson(json);
  if (!isJsonObject(value) || value["format"] !== "lever backup") return NOT_A_BACKUP;
  const { version, createdAt, hasServiceData } = value;
  if (typeof version === "number" && version > FORMAT_VERSION) {
    return `a newer Lever made it (its format has version ${version}, and this Lever reads version ${FORMAT_VERSION})`;
  }
  const isWhole = typeof createdAt === "string" && typeof hasServiceData === "boolean";
  return version === FORMAT_VERSION && isWhole ? backupHead(createdAt, hasServiceData) : DAMAGED;
}

export const NOT_A_BACKUP = "it is not a backup that lever backup has written";
export const DAMAGED = "it is damaged";
export const TORN = "its end is missing, so it is not complete";

/** Counts and hashes the entries of a backup, in their order. */
export class BackupSum {
  readonly #hash: Hash = createHash("sha256");
  #entries = 0;
  #bytes = 0;

  add({ kind, path, mode, size, target }: BackupEntry): void {
    this.#hash.update(`${kind} ${mode} ${size} ${path}\0${target}\n`);
    this.#entries++;
    this.#bytes += size;
  }

  addContent(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  end(): BackupEnd {
    return { entries: this.#entries, bytes: this.#bytes, sha256: this.#hash.digest("hex") };
  }

  /** Whether the last entry belongs to the entries before it. */
  matches(json: string): boolean {
    const value = parseJson(json);
    const { entries, bytes, sha256 } = this.end();
    return (
      isJsonObject(value) &&
      value["entries"] === entries &&
      value["bytes"] === bytes &&
      value["sha256"] === sha256
    );
  }
}

const ARCHIVE = /^[0-9a-f]{24}\.tar\.(?:gz|zst)$/;
const FILES: ReadonlySet<string> = new Set(["version", "lever.sqlite", "secret.key"]);

/** Whether a backup may have this entry: nothing else is written into a data folder. */
export function isAllowed({ kind, path }: Pick<BackupEntry, "kind" | "path">): boolean {
  const [first = "", ...further] = path.split("/");
  if (path.includes("\0") || further.some((name) => ["", ".", ".."].includes(name))) return false;
  switch (first) {
    case "archives":
      if (further.length === 0) return kind === "folder";
      return kind === "file" && further.length === 1 && ARCHIVE.test(further[0] ?? "");
    case "services":
      // The folder of all, of an environment, of a service, and what is in that.
      if (further.length > DEPTH_MAX + 3) return false;
      return kind === "folder" || further.length > 2;
    default:
      return kind === "file" && FILES.has(path);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
