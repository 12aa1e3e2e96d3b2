/** An entry of an archive. */
export type ArchiveEntry =
  | { readonly kind: "folder"; readonly path: string }
  | {
      readonly kind: "file";
      /** Relative to the service folder, with `/`. */
      readonly path: string;
      /** The absolute path to read. */
      readonly source: string;
      readonly bytes: number;
      readonly isExecutable: boolean;
    }
  /** A file that is made for the archive. */
  | { readonly kind: "text"; readonly path: string; readonly text: string }
  /** The target is relative to the folder of the link; absolute, if the package is linked to. */
  | { readonly kind: "link"; readonly path: string; readonly target: string };

export interface ContentsOptions {
  /** Installed packages are not packed but linked to: the service runs on this machine. Default: false */
  readonly linksPackages?: boolean;
}

/** Paths in a lever.json without which a service cannot run; undefined = it has none. */
export interface NeededPaths {
  /** The service's module. */
  readonly jsEntry?: string | undefined;
  /** The folder of its files. */
  readonly static?: string | undefined;
  /** The words of the command that starts its program, some of which may be paths. */
  readonly command?: readonly string[] | undefined;
}

/** Everything that would be deployed, and what the user should know about it. */
export interface Contents {
  /** The folder of the workspace; without one, that of the service. */
  readonly root: string;
  /** Sorted by path, so that the same files always make the same archive. */
  readonly entries: readonly ArchiveEntry[];
  /** The size of all files together. */
  readonly bytes: number;
  /** A sentence for each reason not to deploy. */
  readonly problems: readonly string[];
  /** Sentences that do not keep the service from being deployed. */
  readonly notes: readonly string[];
}

export function bytesOf(entry: ArchiveEntry): number {
  if (entry.kind === "file") return entry.bytes;
  return entry.kind === "text" ? Buffer.byteLength(entry.text) : 0;
}
