import type { ArchiveLimits } from "./limits.ts";

/** How an archive may be compressed; the names of archives end so. The first one that both sides know is used. */
export const archiveFormats = ["tar.zst", "tar.gz"] as const;

export type ArchiveFormat = (typeof archiveFormats)[number];

/** The archives that a host accepts. */
export interface ArchiveTerms extends ArchiveLimits {
  /** A host of an earlier version names none, and accepts `tar.gz`. */
  readonly formats?: readonly ArchiveFormat[];
  /** The live version of the service that the request names; absent when there is none. */
  readonly deployed?: DeployedVersion;
}

/** A version whose files a new one can have without sending them again. */
export interface DeployedVersion {
  readonly version: number;
  /** The key of the digests. It changes with each start of the host, so that only who has a file can make its digest. */
  readonly salt: string;
}

/** A file that the host has from an earlier version of the service. */
export interface KeptFile {
  /** Its path in the new version. */
  readonly path: string;
  readonly isExecutable: boolean;
  /** HMAC-SHA-256 of its content with the salt as the key, in base64url. */
  readonly digest: string;
}

/** Files that a deploy takes from an earlier version of the same service. */
export interface KeptFiles {
  readonly service: string;
  readonly version: number;
  readonly files: readonly KeptFile[];
}

/** Larger files are always sent: the host compares files in memory. */
export const KEPT_FILE_BYTES_MAX: number = 32 * 1024 * 1024;
