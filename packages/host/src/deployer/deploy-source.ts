import type { DeployProgress, KeptFiles } from "@leveros/protocol";
import type { CodeEntry } from "./copy-entries.ts";

/** The bytes of an archive as they arrive; or entries on this machine, which are copied and not stored. */
export type DeploySource = AsyncIterable<unknown> | readonly CodeEntry[];

export interface DeployOptions {
  /** Is called when the deploy waits for others, and when its turn has come after that. */
  readonly onProgress?: (progress: DeployProgress) => void;
  /** Files that are missing in the archive; undefined = none. */
  readonly kept?: KeptFiles | undefined;
}

/** Code that has arrived, and when its upload began and ended. */
export interface ReceivedCode {
  readonly codeId: string;
  readonly archiveBytes: number;
  readonly kept: KeptFiles | undefined;
  /** undefined = they are in an archive, which is stored. */
  readonly entries: readonly CodeEntry[] | undefined;
  readonly startedAt: number;
  readonly receivedAt: number;
}

export function areEntries(source: DeploySource): source is readonly CodeEntry[] {
  return Array.isArray(source);
}
