import type { Clock } from "../clock.ts";
import type { Log } from "../logs/log.ts";
import type { SqliteStore } from "../store/sqlite-store.ts";
import type { DataFolder } from "./data-folder.ts";

/** A host that is one of several. */
export interface ClusterOptions {
  /** URLs of PostgreSQL: the primary and its standbys. */
  readonly urls: readonly string[];
  /** The file of the key that secrets are sealed with. */
  readonly keyFile: string;
  /** undefined = the name of the machine. */
  readonly hostName: string | undefined;
  /** The database is empty, and gets the state of this host. */
  readonly founds: boolean;
  /** The host gives up what its data folder has. */
  readonly discardsLocal: boolean;
  /** The data folder is a copy of another host's. */
  readonly isNewIdentity: boolean;
}

export interface OpenClusterOptions {
  readonly options: ClusterOptions;
  readonly folder: DataFolder;
  readonly store: SqliteStore;
  /** The address that the other hosts reach this one at. */
  readonly address: string;
  readonly clock: Clock;
  readonly log: Log;
}
