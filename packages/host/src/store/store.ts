import type { LeverJson, NetworkPolicy, Right } from "@leveros/protocol";

export interface EnvironmentRecord {
  readonly environment: string;
  /** Origins whose pages may call; `*` = any. */
  readonly corsOrigins: readonly string[];
  /** Anyone may invoke its services, without a token. */
  readonly isPublic: boolean;
  /** The destinations that its instances may reach by their own network. */
  readonly network: NetworkPolicy;
}

/** A token as it is stored: its hash, never itself. */
export interface TokenRecord {
  readonly id: string;
  /** SHA-256 of the token, in hexadecimal. */
  readonly hash: string;
  readonly environments: readonly string[];
  readonly rights: readonly Right[];
  readonly note: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** Milliseconds since 1970; undefined = never. */
  readonly expiresAt: number | undefined;
}

/** One change through the admin service, or one that was refused. */
export interface AuditRecord {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly principal: string;
  readonly method: string;
  readonly environment: string;
  readonly target: string;
  /** undefined = the change is of no version. */
  readonly version?: number | undefined;
  readonly outcome: string;
}

/** One version of a service, as it was deployed. */
export interface VersionRecord {
  readonly environment: string;
  readonly service: string;
  readonly version: number;
  /** Names the archive and the folder of its code; never used twice. */
  readonly codeId: string;
  readonly leverJson: LeverJson;
  readonly methods: readonly string[];
  readonly archiveBytes: number;
  readonly unpackedBytes: number;
  /** ISO 8601. */
  readonly deployedAt: string;
}

/** A variable of services, as it is stored. */
export interface VariableRecord {
  readonly environment: string;
  /** `""` = every service of the environment. */
  readonly service: string;
  readonly name: string;
  /** Encrypted, if it is a secret. */
  readonly value: string;
  readonly isSecret: boolean;
  /** ISO 8601. */
  readonly setAt: string;
}

/**
 * The durable state that hosts share: what exists, what is live, who may.
 *
 * - T1. When a write's promise resolves, the write survives a crash of the host and of the machine.
 * - T2. A write happens completely or not at all.
 */
export interface Store {
  environments(): Promise<readonly EnvironmentRecord[]>;
  /** Creates or replaces. */
  putEnvironment(record: EnvironmentRecord): Promise<void>;
  /** Removes an environment with everything in it, and notes that its files are still there. One transaction. */
  removeEnvironment(environment: string): Promise<void>;
  /**
   * Removes a service with its versions. Unless `keepsData`, also its variables, and notes that its data is still there.
   * One transaction.
   */
  removeService(
    environment: string,
    service: string,
    options: { keepsData: boolean },
  ): Promise<void>;
  /** The variables of an environment, by service and name. */
  variables(environment: string): Promise<readonly VariableRecord[]>;
  /** At most so many of the secrets of all environments, by environment, service and name. */
  secrets(most: number): Promise<readonly VariableRecord[]>;
  /** Creates or replaces. One transaction. */
  putVariables(records: readonly VariableRecord[]): Promise<void>;
  /** False = there was none. */
  removeVariable(environment: string, service: string, name: string): Promise<boolean>;
  /** Oldest first. */
  tokens(): Promise<readonly TokenRecord[]>;
  putToken(record: TokenRecord): Promise<void>;
  removeToken(id: string): Promise<void>;
  /** Adds a record, and removes all but the newest 10,000. */
  addAudit(record: AuditRecord): Promise<void>;
  /** At most so many, the newest ones, oldest first. */
  audit(most: number): Promise<readonly AuditRecord[]>;
  /** The live version of every service, one at a time: there may be very many. Write nothing until the end. */
  liveVersions(): AsyncIterable<VersionRecord>;
  /** All kept versions of every service of an environment, by service, newest first. */
  versions(environment: string): Promise<readonly VersionRecord[]>;
  /**
   * The number of the service's next version: one more than the highest that it ever had, also before it was removed, and
   * than the highest that was spent.
   */
  nextVersion(environment: string, service: string): Promise<number>;
  /** No later version gets this number: its deploy has failed, and what it has printed is known by the number. */
  spendVersion(environment: string, service: string, version: number): Promise<void>;
  /**
   * Makes a new version live, and removes the oldest ones beyond `versionsKeptMax`; returns those. One transaction.
   * @throws Error when the version exists.
   */
  publishVersion(
    record: VersionRecord,
    options: { versionsKeptMax: number },
  ): Promise<readonly VersionRecord[]>;
  /** Makes a kept version the live one. @throws Error when it is not kept. */
  makeLive(environment: string, service: string, version: number): Promise<void>;
  /** Removes a version that is not live. @throws Error when it is live, or not kept. */
  removeVersion(environment: string, service: string, version: number): Promise<void>;
  /** Every codeId that a kept version needs. */
  codeIds(): Promise<ReadonlySet<string>>;
  /** May be called twice. */
  close(): Promise<void>;
}
