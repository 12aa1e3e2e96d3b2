/** The reply of `getStatus`, as JSON: a host as a unit. */
export interface HostStatus {
  /** Lever's version. */
  readonly version: string;
  /** Node's version. */
  readonly node: string;
  /** The name of the machine. */
  readonly machine: string;
  /** The name of the host in its cluster; absent = it is the only one. */
  readonly host?: string | undefined;
  readonly pid: number;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly uptimeMs: number;
  /** Why `/-/ready` is not answered with 200, as the end of a sentence; null = it is. */
  readonly notReady: string | null;
  readonly bind: string;
  readonly port: number;
  readonly tls: boolean;
  /** Processes that accept connections; 1 = the host itself. */
  readonly workers: { readonly wanted: number; readonly running: number };
  readonly isolation: "oci" | "process";
  readonly environments: number;
  readonly services: number;
  readonly instances: number;
  readonly memory: {
    /** Resident memory of the host's own process. */
    readonly hostBytes: number;
    /** Megabytes of memory that are reserved for instances, and that may be. */
    readonly ramReserved: number;
    readonly ramMax: number;
  };
  /** The disk with the data folder. */
  readonly disk: {
    readonly dataDir: string;
    readonly freeBytes: number;
    readonly totalBytes: number;
  };
  readonly database: {
    readonly bytes: number;
    /** The time of its last copy, ISO 8601; null = there is none. */
    readonly copiedAt: string | null;
  };
  /** Sentences about what an operator should see to. In a cluster, each begins with the name of its host. */
  readonly warnings: readonly string[];
  /** In a cluster: each host by itself. The other fields are those of the host that answers. */
  readonly hosts?: readonly HostStatus[] | undefined;
}
