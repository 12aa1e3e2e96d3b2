/** Instances in the replies of the admin service, as JSON. */
import type { InstanceState } from "./admin-messages.ts";

/** The phases of an instance's start. */
export interface StartTimes {
  /** The process had been started before it was needed. */
  readonly isWarm: boolean;
  /** Getting the code ready. */
  readonly prepareMs: number;
  /** Starting the process. */
  readonly launchMs: number;
  /** Loading the service. */
  readonly loadMs: number;
}

/** The reply of `listInstances`: the instances, and the host that they run on. */
export interface InstancesReport {
  readonly instances: readonly InstanceStatus[];
  /** In a cluster: the sums of its hosts, and their longest median. */
  readonly host: InstancesHost;
  /** In a cluster: each host by itself. */
  readonly hosts?: readonly (InstancesHost & { readonly host: string })[];
}

/** A host as its instances use it. */
export interface InstancesHost {
  /** Resident memory of the host's own process, in bytes. */
  readonly memoryBytes: number;
  /** Megabytes of memory that are reserved for instances, and that may be. */
  readonly ramReserved: number;
  readonly ramMax: number;
  /** Processes that were started ahead for the next instances, and how many there should be. */
  readonly warmReady: number;
  readonly warmWanted: number;
  /** Starts of instances since the host started, except for deploys. */
  readonly starts: {
    readonly count: number;
    /** Starts whose process had been started ahead. */
    readonly warm: number;
    /** Time from the decision until the instance was ready: the median of the last 100 starts. */
    readonly medianMs: number;
  };
}

export interface InstanceStatus {
  /** In a cluster: the name of its host. */
  readonly host?: string;
  readonly service: string;
  readonly instance: string;
  readonly version: number;
  readonly state: InstanceState;
  /** Includes open streams. */
  readonly callsInFlight: number;
  readonly streamsInFlight: number;
  readonly resources: number;
  readonly pid: number;
  /** Resident memory of its process, in bytes. */
  readonly memoryBytes: number;
  /** Megabytes that are reserved for it. */
  readonly ram: number;
  /** ISO 8601. */
  readonly startedAt: string;
  /** Absent while it starts. */
  readonly start?: StartTimes;
}
