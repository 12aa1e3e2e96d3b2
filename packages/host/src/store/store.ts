import type { Change, CommitResult, StoredChange } from "./change.ts";
import type {
  AuditRecord,
  EnvironmentRecord,
  RouteRecord,
  TokenRecord,
  VariableRecord,
  VersionRecord,
} from "./records.ts";

export type {
  AuditRecord,
  EnvironmentRecord,
  RouteRecord,
  TokenRecord,
  VariableRecord,
  VersionRecord,
};

/** The numbers of a service's versions; 0 = none. */
interface VersionNumbers {
  readonly live: number;
  /** The highest one that was ever reserved. */
  readonly last: number;
}

/**
 * The durable state that hosts share: what exists, what is live, who may.
 *
 * - T1. When a write's promise resolves, the write survives a crash of the host and of the machine.
 * - T2. A write happens completely or not at all.
 * - T3. Changes have one order, without gaps. A change that was decided on something older is refused.
 */
export interface Store {
  environments(): Promise<readonly EnvironmentRecord[]>;
  /** The variables of an environment, by service and name. */
  variables(environment: string): Promise<readonly VariableRecord[]>;
  /** At most so many of the secrets of all environments, by environment, service and name. */
  secrets(most: number): Promise<readonly VariableRecord[]>;
  /** The routes of all environments, by host name and path. */
  routes(): Promise<readonly RouteRecord[]>;
  /** Oldest first. */
  tokens(): Promise<readonly TokenRecord[]>;
  /** At most so many, the newest ones, oldest first. */
  audit(most: number): Promise<readonly AuditRecord[]>;
  /** The live version of every service, one at a time: there may be very many. Write nothing until the end. */
  liveVersions(): AsyncIterable<VersionRecord>;
  /** All kept versions of every service of an environment, by service, newest first. */
  versions(environment: string): Promise<readonly VersionRecord[]>;
  numbersOf(environment: string, service: string): Promise<VersionNumbers>;
  /** Every codeId that a kept version needs. */
  codeIds(): Promise<ReadonlySet<string>>;
  /** The revision of the last change with this key; 0 = there was none, or what it names is removed. */
  revisionOf(key: string): Promise<number>;
  /** The last change; revision 0 and no nonce = there was none. */
  head(): Promise<Omit<StoredChange, "change">>;
  /** At most so many of the changes after a revision, oldest first. `gone` = the next one is not kept any more. */
  changesAfter(revision: number, most: number): Promise<readonly StoredChange[] | "gone">;
  /**
   * T1–T3. `expected`: the `revisionOf` its key that the change was decided on; undefined = any.
   * A change that is not possible is a conflict: of something that is not there or is there already, or of an environment
   * that is removed. A version must be reserved before it is published, and must be higher than the live one.
   * @throws LeverError `unavailable` when nothing was written.
   */
  commit(change: Change, expected?: number): Promise<CommitResult>;
  /** May be called twice. */
  close(): Promise<void>;
}
