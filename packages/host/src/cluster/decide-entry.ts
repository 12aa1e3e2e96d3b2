import type { ClusterIdentity } from "./postgres-schema.ts";

/** A host that starts with `--cluster`, and the database that it has found. */
export interface Entry {
  /** undefined = the database has no tables of Lever. */
  readonly cluster: ClusterIdentity | undefined;
  /** The cluster that the host's data folder belongs to; undefined = none. */
  readonly knownId: string | undefined;
  /** The data folder has versions, tokens or variables of its own. */
  readonly hasContent: boolean;
  /** The user wants to found a cluster. */
  readonly founds: boolean;
  /** The user gives up what the data folder has. */
  readonly discardsLocal: boolean;
}

export type EntryStep =
  | { readonly kind: "join" }
  /** `isBegun`: another host, or an earlier start, has created the tables and nothing else. */
  | { readonly kind: "found"; readonly isBegun: boolean }
  /** A sentence with what to do. */
  | { readonly kind: "refuse"; readonly reason: string };

/** Whether a host joins the cluster in a database, or makes the database that of a new one. */
export function decideEntry(entry: Entry): EntryStep {
  return entry.knownId === undefined ? enter(entry) : comeBack(entry, entry.knownId);
}

function comeBack({ cluster }: Entry, knownId: string): EntryStep {
  if (cluster === undefined) {
    return refuse(
      `this data folder belongs to the cluster ${knownId}, and the database is empty. Give the URL of the cluster's database, or start with an empty data folder`,
    );
  }
  if (cluster.id !== knownId) {
    return refuse(
      `this data folder belongs to the cluster ${knownId}, and the database has the cluster ${cluster.id}. Give the URL of the former, or start with an empty data folder`,
    );
  }
  return cluster.isFounded ? { kind: "join" } : { kind: "found", isBegun: true };
}

function enter({ cluster, hasContent, founds, discardsLocal }: Entry): EntryStep {
  if (founds) {
    if (cluster?.isFounded !== true) return { kind: "found", isBegun: cluster !== undefined };
    return refuse(
      `the database has the cluster ${cluster.id} already. Start without --found, and this host joins it`,
    );
  }
  if (cluster === undefined) {
    return refuse(
      "the database is empty. Start the first host with --found: its services, tokens and variables become those of the cluster. The other hosts join without it",
    );
  }
  if (!cluster.isFounded) {
    return refuse(
      "the cluster is not founded completely. Start the host that founds it with --found again, and then this one",
    );
  }
  if (hasContent && !discardsLocal) {
    return refuse(
      "the data folder has services, tokens or variables of its own, which would be lost. Name an empty folder with --data, or give them up with --discard-local",
    );
  }
  return { kind: "join" };
}

function refuse(why: string): EntryStep {
  return { kind: "refuse", reason: `Cannot use the cluster's database: ${why}.` };
}
