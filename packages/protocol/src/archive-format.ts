import type { ArchiveLimits } from "./limits.ts";

/** How an archive may be compressed; the names of archives end so. The first one that both sides know is used. */
export const archiveFormats = ["tar.zst", "tar.gz"] as const;

export type ArchiveFormat = (typeof archiveFormats)[number];

/** The archives that a host accepts. */
export interface ArchiveTerms extends ArchiveLimits {
  /** A host of an earlier version names none, and accepts `tar.gz`. */
  readonly formats?: readonly ArchiveFormat[];
}
