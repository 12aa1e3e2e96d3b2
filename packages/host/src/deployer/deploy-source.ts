import type { DeployProgress, KeptFiles } from "@leveros/protocol";
import type { CodeEntry } from "./copy-entries.ts";

/** The bytes of an archive as they arrive; or entries on this machine, which are copied and not stored. */
export type DeploySource = AsyncIterable<unknown> | readonly CodeEntry[];

export interface DeployOptions {
  /** Is called when the deploy waits for others, and when its turn has come after that. */
  readonly onProgress?: (progress: DeployProgress) => void;
  /** Is filled in as soon as the service and the number of its version are known. */
  readonly named?: NamedDeploy;
  /** Files that are missing in the archive; undefined = none. */
  readonly kept?: KeptFiles | undefined;
}

/** The service of a deploy, and the number of its version, as far as they are known. */
export interface NamedDeploy {
  service?: string;
  version?: number;
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
  readonly named: NamedDeploy;
}

export function areEntries(source: DeploySource): source is readonly CodeEntry[] {
  return Array.isArray(source);
}
