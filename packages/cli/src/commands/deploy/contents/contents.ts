import type { CodeEntry } from "@leveros/host";

export type { CodeEntry };

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
  readonly entries: readonly CodeEntry[];
  /** The size of all files together. */
  readonly bytes: number;
  /** A sentence for each reason not to deploy. */
  readonly problems: readonly string[];
  /** Sentences that do not keep the service from being deployed. */
  readonly notes: readonly string[];
}

export function bytesOf(entry: CodeEntry): number {
  if (entry.kind === "file") return entry.bytes;
  return entry.kind === "text" ? Buffer.byteLength(entry.text) : 0;
}
