import { serviceKey } from "@leveros/protocol";
import type {
  AuditRecord,
  EnvironmentRecord,
  RouteRecord,
  TokenRecord,
  VariableRecord,
  VersionRecord,
} from "./records.ts";

/**
 * One change of the state that hosts share. It contains everything that it needs: applied to equal states, it leaves equal
 * states. So it has no limit and no clock of a host.
 */
export type Change =
  | { readonly kind: "environmentCreated"; readonly record: EnvironmentRecord }
  | { readonly kind: "environmentChanged"; readonly record: EnvironmentRecord }
  /** Removes everything in it. Unless `isForced`, it must have no services. */
  | {
      readonly kind: "environmentRemoved";
      readonly environment: string;
      readonly isForced: boolean;
    }
  /** Takes a number for a version, which no other version of the service ever gets, also after its removal. */
  | ({ readonly kind: "versionReserved"; readonly version: number } & ServicePlace)
  /** Makes a new version live, and removes the oldest ones beyond `versionsKeptMax`. */
  | {
      readonly kind: "versionPublished";
      readonly record: VersionRecord;
      readonly versionsKeptMax: number;
    }
  /** Makes a kept version the live one. */
  | { readonly kind: "versionMadeLive"; readonly record: VersionRecord }
  /** Replaces the instances of a service on every host. Nothing is stored but the change. */
  | ({ readonly kind: "serviceRestarted" } & ServicePlace)
  | ({ readonly kind: "versionRemoved"; readonly version: number } & ServicePlace)
  /** Removes a service with its versions and, unless `keepsData`, its variables. */
  | ({ readonly kind: "serviceRemoved"; readonly keepsData: boolean } & ServicePlace)
  /** Sets variables and secrets of one environment. */
  | {
      readonly kind: "variablesSet";
      readonly environment: string;
      readonly records: readonly VariableRecord[];
    }
  | ({ readonly kind: "variableRemoved"; readonly name: string } & ServicePlace)
  | { readonly kind: "routeAdded"; readonly record: RouteRecord }
  | { readonly kind: "routeRemoved"; readonly record: RouteRecord }
  | { readonly kind: "tokenCreated"; readonly record: TokenRecord }
  | { readonly kind: "tokenRemoved"; readonly id: string }
  /** Adds a record to the audit, and removes all but the newest 10,000. */
  | { readonly kind: "audited"; readonly record: AuditRecord };

interface ServicePlace {
  readonly environment: string;
  readonly service: string;
}

/** A change as the store keeps it. */
export interface StoredChange {
  /** Grows by one with each change. */
  readonly revision: number;
  /** Distinguishes this change from another one that had the same revision, and was lost. */
  readonly nonce: string;
  readonly change: Change;
}

/** A change that this host's database has. */
export interface AppliedChange {
  readonly revision: number;
  readonly change: Change;
  /** The codeIds that no version needs any more. */
  readonly removedCode: readonly string[];
}

export type CommitResult =
  | { readonly outcome: "written"; readonly revision: number }
  /** Something else was changed first, or the change is not possible. Nothing is written. `revision`: the newest one. */
  | { readonly outcome: "conflict"; readonly revision: number }
  /** The connection broke, and the store cannot be asked whether it has the change. */
  | { readonly outcome: "unknown" };

/** The last changes that a store keeps, for hosts that follow it. */
export const CHANGES_KEPT_MAX = 1_000;

export const TOKENS_KEY = "tokens";
/** One key for all: whether a route is possible depends on those of other environments. */
export const ROUTES_KEY = "routes";
/** The key of changes that depend on no other one. */
export const NO_KEY = "";
export const environmentChangesKey = (environment: string): string => `environment ${environment}`;
export const variablesKey = (environment: string): string => `variables ${environment}`;
export const serviceChangesKey = (environment: string, service: string): string =>
  `service ${serviceKey(environment, service)}`;

/** The key of what a change changes: changes with one key are decided one after the other. */
export function keyOf(change: Change): string {
  switch (change.kind) {
    case "environmentCreated":
    case "environmentChanged":
      return environmentChangesKey(change.record.environment);
    case "environmentRemoved":
      return environmentChangesKey(change.environment);
    case "versionPublished":
    case "versionMadeLive":
      return serviceChangesKey(change.record.environment, change.record.service);
    case "versionReserved":
    case "serviceRestarted":
    case "versionRemoved":
    case "serviceRemoved":
      return serviceChangesKey(change.environment, change.service);
    case "variablesSet":
    case "variableRemoved":
      return variablesKey(change.environment);
    case "routeAdded":
    case "routeRemoved":
      return ROUTES_KEY;
    case "tokenCreated":
    case "tokenRemoved":
      return TOKENS_KEY;
    case "audited":
      return NO_KEY;
  }
}
