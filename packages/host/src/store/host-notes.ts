/** A service by its place. */
interface ServiceName {
  readonly environment: string;
  readonly service: string;
}

/** Values of this host alone, which survive a restart: its boot, the users that it gave, the files that it still has to remove. */
export interface HostNotes {
  read(name: string): Promise<string | undefined>;
  write(name: string, value: string): Promise<void>;
  remove(name: string): Promise<void>;
  /** Removed environments whose files are still there. */
  unfinishedRemovals(): Promise<readonly string[]>;
  /** The files of a removed environment are gone. */
  finishRemoval(environment: string): Promise<void>;
  /** Removed services whose data is still there. */
  unfinishedServiceRemovals(): Promise<readonly ServiceName[]>;
  /** The data of a removed service is gone. */
  finishServiceRemoval(environment: string, service: string): Promise<void>;
}
