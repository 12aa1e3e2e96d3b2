import type { Limits } from "@leveros/protocol";
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
  /** The database has moved to another server since the last start. */
  readonly isNewDatabase: boolean;
  /** Where this host listens for the other hosts. undefined = at the address for callers, on any free port. */
  readonly peerBind: { readonly bind: string; readonly port: number } | undefined;
  /** The address with a port that other hosts reach that at. undefined = the one that this host listens on. */
  readonly peerAddress: string | undefined;
}

export interface OpenClusterOptions {
  readonly options: ClusterOptions;
  readonly folder: DataFolder;
  readonly store: SqliteStore;
  /** The address for callers. */
  readonly bind: string;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly log: Log;
}
