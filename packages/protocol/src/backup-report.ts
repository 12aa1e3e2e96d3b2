/** The last message of `backUpChan`, with `report`. */
export interface BackupReport {
  /** ISO 8601. */
  readonly createdAt: string;
  readonly hasServiceData: boolean;
  readonly archives: number;
  /** Versions whose archive the host has lost. */
  readonly archivesLost: number;
  /** Entries of services' data that are left out: sockets, devices, those of other users, and those just removed. */
  readonly filesSkipped: number;
  /** Files that became shorter while they were read. */
  readonly filesChanged: number;
  /** The id of the key that the secrets of a cluster are sealed with. The key is not in the backup. */
  readonly keyId?: string;
}
