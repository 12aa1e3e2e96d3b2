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

/** A host name, or a part of its paths, that leads to a service. */
export interface RouteRecord {
  /** In lower case. `*.` at its beginning stands for one label. */
  readonly host: string;
  /** `""`, or a path without a slash at its end. */
  readonly path: string;
  readonly environment: string;
  /** `""` = the service that the label names. */
  readonly service: string;
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
