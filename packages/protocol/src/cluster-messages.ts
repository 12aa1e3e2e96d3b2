/** The last argument of a method that all hosts of a cluster answer together. */
export interface HostsOption {
  /** The name of the one host that is asked. Default: all of them. */
  readonly on?: string | null | undefined;
  /** The reply comes as `HostsReply`. Default: by itself. */
  readonly report?: boolean | undefined;
}

/** The reply of several hosts, and those that have no part in it. */
export interface HostsReply<Reply> {
  readonly reply: Reply;
  readonly missing: readonly MissingHost[];
}

/** A host that was asked, and has not answered. */
export interface MissingHost {
  readonly host: string;
  /** The end of a sentence. */
  readonly reason: string;
}

/** A message of a stream of several hosts: nothing more comes from one of them. */
export interface HostMissing {
  readonly missing: MissingHost;
}

/** A host of a cluster, as JSON. */
export interface HostListing {
  /** The name that it was started with. */
  readonly host: string;
  readonly id: string;
  /** It is the one that answers. */
  readonly isSelf: boolean;
  /**
   * - `draining`: it gives its resources and calls to other hosts; `drained`: it has none left.
   * - `silent`: its lease is over, and no other host has fenced it yet.
   */
  readonly state: "active" | "draining" | "drained" | "silent" | "fenced" | "left";
  /** Time until its lease ends, unless it is renewed. */
  readonly leaseMs: number;
  /** Lever's version. */
  readonly version: string;
  /** Changes that it has not applied. */
  readonly revisionsBehind: number;
  readonly address: string;
}

/** The reply of `listHosts`. */
export interface HostsReport {
  /** By name. */
  readonly hosts: readonly HostListing[];
  /** Age of what the answering host has read in the database; null = it has read nothing yet. */
  readonly readMsAgo: number | null;
}

/** The reply of `getCluster`. */
export interface ClusterStatus {
  readonly cluster: string;
  /** The name of the host that answers. */
  readonly host: string;
  /** The id of the key that secrets are sealed with. */
  readonly keyId: string;
  /** The last change that the answering host has applied. */
  readonly revision: number;
  readonly database: {
    /** Without passwords. */
    readonly servers: readonly string[];
    /** Why it cannot be used, as a sentence; null = it can. */
    readonly problem: string | null;
    /** The last change that it has; null = it cannot be asked. */
    readonly revision: number | null;
  };
  /** Hosts with a lease. */
  readonly hostsActive: number;
  readonly hosts: number;
}

/** The reply of `drainHost`, `resumeHost` and `removeHost`. */
export interface HostChange {
  /** The name of the host. */
  readonly host: string;
  readonly id: string;
  /** False = it drained already. */
  readonly isChanged: boolean;
}

/** A part of each answer of a change that some hosts may not have applied. */
export interface HostsBehind {
  /** Hosts that were given up on: their leases are over, or they do not follow. */
  readonly hostsBehind?: readonly string[];
}
