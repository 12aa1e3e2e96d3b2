/** The replies of the admin service with the numbers of an environment as they are now, as JSON. */
import type { ServiceListing } from "./admin-messages.ts";
import type { InstanceStatus } from "./instance-messages.ts";
import type { MethodStats, TrafficStats } from "./stats-messages.ts";

/** Points of time, oldest first: a list for each quantity. */
export interface TrafficSeries {
  /** The end of each point, in seconds since 1970. */
  readonly at: readonly number[];
  readonly callsPerSecond: readonly number[];
  readonly errorsPerSecond: readonly number[];
  /** null = there were no calls. */
  readonly p50Ms: readonly (number | null)[];
  readonly p95Ms: readonly (number | null)[];
  readonly p99Ms: readonly (number | null)[];
}

/** The reply of `getOverview`. Rates are those of the last 15 seconds, percentiles those of the last 30 to 60. */
export interface Overview extends TrafficStats {
  readonly environment: string;
  readonly services: number;
  /** Services with instances. */
  readonly awake: number;
  /** Services whose instances fail one after the other. */
  readonly failing: number;
  readonly instances: number;
  readonly callsInFlight: number;
  readonly callsWaiting: number;
  readonly memory: {
    /** Resident memory of the environment's instances. */
    readonly instancesBytes: number;
    /** Resident memory of the host's own process. */
    readonly hostBytes: number;
    /** Megabytes that are reserved for the instances of all environments, and that may be. */
    readonly ramReserved: number;
    readonly ramMax: number;
  };
  readonly series: TrafficSeries;
}

/** A service in the reply of `findServices`. */
export interface ServiceRow extends TrafficStats {
  readonly service: string;
  readonly description: string;
  readonly private: boolean;
  readonly version: number;
  readonly instances: number;
  /** Why its instances fail one after the other; absent = they do not. */
  readonly failing?: string | undefined;
  /** Calls for one second, in points of five seconds; absent = there were none within five minutes. */
  readonly recent?: readonly number[] | undefined;
}

/** The services that `findServices` shows, and their order. */
export interface ServiceQuery {
  /** A part of the name or of the description. */
  readonly text?: string;
  /** `awake`: only those with instances. `failing`: only those whose instances fail. */
  readonly state?: "awake" | "failing";
  /** Default: `service`. */
  readonly sort?: ServiceOrder;
  readonly descending?: boolean;
  /** The first one of the window. Default: 0. */
  readonly from?: number;
  /** At most 100. Default: 50. */
  readonly count?: number;
}

export type ServiceOrder = "service" | "version" | "calls" | "errors" | "p95" | "instances";

/** The reply of `findServices`. */
export interface ServiceWindow {
  /** All services of the environment. */
  readonly total: number;
  /** All that the query lets through. */
  readonly found: number;
  readonly from: number;
  readonly rows: readonly ServiceRow[];
}

/** The reply of `getService`. */
export interface ServiceDetails extends TrafficStats {
  readonly environment: string;
  readonly service: string;
  readonly description: string;
  readonly private: boolean;
  /** It is the admin service: a part of Lever itself, without versions and instances. */
  readonly platform?: true | undefined;
  readonly version: number;
  readonly deployedAt?: string | undefined;
  readonly callsInFlight: number;
  readonly streamsOpen: number;
  readonly callsWaiting: number;
  /** The names of its methods, and the numbers of those that were called. */
  readonly methods: readonly string[];
  readonly methodStats: readonly MethodStats[];
  readonly instances: readonly InstanceDetails[];
  readonly failing?: ServiceListing["failing"];
  readonly series: TrafficSeries;
}

export interface InstanceDetails extends InstanceStatus {
  /** Processor time since it started; absent = not known. */
  readonly cpuSeconds?: number | undefined;
}

/** A resource that the answering host has placed, or that calls wait for there. */
export interface ResourceListing {
  readonly resource: string;
  /** The instance that owns it; absent = none does now. */
  readonly instance?: string | undefined;
  /** The number of this ownership, or of the last one. */
  readonly epoch: number;
  /**
   * `waiting`: calls wait until an instance can take it. `opening`, `closing`: a hook of the service runs, or the owner exits.
   * `moving`: its owner finishes its calls. `elsewhere`: another host owns it.
   */
  readonly state: "waiting" | "opening" | "open" | "moving" | "closing" | "elsewhere";
  readonly calls: number;
  readonly streams: number;
  readonly callsWaiting: number;
  /** Time since its last call has ended, or since it was first called. */
  readonly idleMs: number;
}

/** The resources that `listResources` shows. */
export interface ResourceQuery {
  /** A part of the name, in its letter case. */
  readonly text?: string;
  /** The first one of the window. Default: 0. */
  readonly from?: number;
  /** At most 100. Default: 50. */
  readonly count?: number;
}

/** The reply of `listResources`. */
export interface ResourceWindow {
  /** All resources of the service. */
  readonly total: number;
  /** All that the query lets through. */
  readonly found: number;
  readonly from: number;
  readonly rows: readonly ResourceListing[];
}

/** A file that differs between two versions: its size in each, in bytes; null = that version does not have it. */
export interface ChangedFile {
  readonly path: string;
  readonly before: number | null;
  readonly after: number | null;
}

/** The reply of `compareVersions`. */
export interface VersionChanges {
  /** By path, at most 1,000. */
  readonly files: readonly ChangedFile[];
  /** Further files that differ. */
  readonly more: number;
}

/** The reply of `readFile`. */
export interface VersionFile {
  readonly path: string;
  readonly bytes: number;
  /** null = it has more than 256 KiB, or is no UTF-8. */
  readonly text: string | null;
}

/** A message to `watchChan`: everything that it is to show from now on. */
export interface WatchRequest {
  readonly see: readonly WatchedMethod[];
}

/** A method that changes nothing. One with the id of an earlier message goes on. */
export interface WatchedMethod {
  /** Chosen by the caller. */
  readonly id: number;
  readonly method: string;
  readonly args: readonly unknown[];
  /** The time between two calls of a regular method. Default, and at least: 1,000. */
  readonly everyMs?: number;
}

/** A message of `watchChan`. */
export type WatchMessage =
  /** The reply of a regular method, when it differs from the last one. */
  | { readonly id: number; readonly value: unknown }
  /** A message of a streaming method. */
  | { readonly id: number; readonly message: unknown }
  /** The method has failed. A regular method is called again. */
  | { readonly id: number; readonly error: { readonly code: string; readonly message: string } };
