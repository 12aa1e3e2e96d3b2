/** What the admin service answers, as JSON. */

/** Of `deployServiceChan(environment, {report: true})`. */
export interface DeployReport {
  readonly environment: string;
  readonly service: string;
  readonly version: number;
  readonly methods: readonly string[];
  /** About lever.json: what has no effect. */
  readonly warnings: readonly string[];
  readonly archiveBytes: number;
  readonly unpackedBytes: number;
  readonly entries: number;
  readonly times: {
    /** Receiving and storing the archive. */
    readonly uploadMs: number;
    readonly unpackMs: number;
    /** Starting an instance and asking it for its methods. */
    readonly startMs: number;
    /** From the first byte until the version was live. */
    readonly totalMs: number;
  };
}

/** Of `listServices(environment)`: one element for each service, by name. */
export interface ServiceListing {
  readonly environment: string;
  readonly service: string;
  readonly description: string;
  readonly private: boolean;
  readonly liveVersion: number;
  readonly methods: readonly string[];
  readonly versions: readonly VersionListing[];
  readonly instances: readonly InstanceListing[];
}

export interface VersionListing {
  readonly version: number;
  /** ISO 8601. */
  readonly deployedAt: string;
  readonly archiveBytes: number;
  readonly unpackedBytes: number;
}

export interface InstanceListing {
  readonly instance: string;
  readonly version: number;
  readonly state: "starting" | "ready" | "draining";
  readonly callsInFlight: number;
  /** ISO 8601. */
  readonly startedAt: string;
}
