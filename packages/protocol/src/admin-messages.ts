/** The replies of the admin service, as JSON. admin-methods.ts has its methods. */
import type { NetworkPolicy } from "./network-policy.ts";
import type { TrafficStats } from "./stats-messages.ts";

/** The message that `deployServiceChan` sends with `report`. */
export interface DeployReport {
  readonly environment: string;
  readonly service: string;
  readonly version: number;
  readonly methods: readonly string[];
  /** Fields of lever.json that have no effect. */
  readonly warnings: readonly string[];
  readonly archiveBytes: number;
  readonly unpackedBytes: number;
  readonly entries: number;
  /** Its own host name on the host's machine, as in `SiteListing`. */
  readonly hostName?: string | undefined;
  readonly times: {
    /** Receiving and storing the archive. */
    readonly uploadMs: number;
    /** Waiting for other deploys of the host; absent = none. */
    readonly waitMs?: number;
    readonly unpackMs: number;
    /** Making JavaScript of TypeScript; absent = there is none. */
    readonly transformMs?: number;
    /** Starting an instance and receiving its methods. */
    readonly startMs: number;
    /** From the first byte until the version was live. */
    readonly totalMs: number;
  };
}

/** A message that `deployServiceChan` sends with `progress`, before the report. */
export type DeployProgress =
  /** The archive has come. So many other deploys run, and so many wait already. */
  | { readonly progress: "waiting"; readonly running: number; readonly waiting: number }
  /** Follows `waiting`. */
  | { readonly progress: "starting" };

/** A service in the reply of `listServices`. */
export interface ServiceListing {
  readonly environment: string;
  readonly service: string;
  readonly description: string;
  readonly private: boolean;
  /** It is the admin service: a part of Lever itself, without versions and instances. */
  readonly platform?: true | undefined;
  readonly liveVersion: number;
  readonly methods: readonly string[];
  readonly versions: readonly VersionListing[];
  readonly instances: readonly InstanceListing[];
  /** Absent = it had no calls within the last 30 to 60 seconds. */
  readonly traffic?: TrafficStats | undefined;
  /** Its instances fail one after the other: why the last one has, and the time until another may start. */
  readonly failing?:
    | { readonly reason: string; readonly inARow: number; readonly nextStartMs: number }
    | undefined;
  /** Absent = it answers no HTTP requests from outside. */
  readonly site?: SiteListing | undefined;
}

/** How a service answers HTTP requests, beside its path on the names of the host. */
export interface SiteListing {
  /** Its name on the host's machine. Absent = another service has it, or its name cannot be part of a host name. */
  readonly hostName?: string | undefined;
  /** The host names, with their paths, that lead to it. */
  readonly routes: readonly string[];
  /** The folder of its files; absent = it has none. */
  readonly files?: string | undefined;
}

export interface VersionListing {
  readonly version: number;
  /** ISO 8601. */
  readonly deployedAt: string;
  readonly archiveBytes: number;
  readonly unpackedBytes: number;
}

/** The states of an instance, in the order of its life. An exited instance is no longer listed. */
const instanceStates: readonly [
  "starting",
  "ready",
  "unresponsive",
  "draining",
  "stopping",
  "exited",
] = ["starting", "ready", "unresponsive", "draining", "stopping", "exited"];

/**
 * - `starting`: its process runs and loads the service.
 * - `ready`: it takes calls.
 * - `unresponsive`: its process does not answer, and it gets no calls until it does.
 * - `draining`: it finishes the calls and resources it has, and gets no new ones.
 * - `stopping`: it has received TERM, and KILL follows.
 * - `exited`: its process has ended.
 */
export type InstanceState = (typeof instanceStates)[number];

export interface InstanceListing {
  /** In a cluster: the name of its host. */
  readonly host?: string;
  readonly instance: string;
  readonly version: number;
  readonly state: InstanceState;
  readonly callsInFlight: number;
  /** ISO 8601. */
  readonly startedAt: string;
}

/**
 * The rule that decided how many instances a service should have.
 *
 * - `load`: the number that its calls need now.
 * - `recentLoad`: the number that its calls needed within the last `scaleDownAfterMs`.
 * - `idleTimeout`: one, because it was used within the last `idleTimeoutMs`.
 * - `idle`: none.
 * - `minInstances`, `maxInstances`: the bound that lever.json sets.
 * - `told`: in a cluster, the number that the home host of the service has decided for this host.
 * - `draining`: none, because the host is drained.
 */
export type ScalingReason =
  | "load"
  | "recentLoad"
  | "idleTimeout"
  | "idle"
  | "minInstances"
  | "maxInstances"
  | "told"
  | "draining";

/** One decision of the autoscaler about a service, with the numbers that it was based on. */
export interface ScalingRecord {
  /** ISO 8601. */
  readonly at: string;
  readonly callsInFlight: number;
  readonly callsWaiting: number;
  /** Instances that the load alone needs. */
  readonly needed: number;
  readonly wanted: number;
  readonly reason: ScalingReason;
  /** Ready and starting. */
  readonly running: number;
  readonly unresponsive: number;
  readonly draining: number;
  /** The obstacle to further instances; null = none. */
  readonly blockedBy: "memory" | "backoff" | null;
}

/** The reply of `explainService`. */
export interface ScalingReport {
  readonly service: string;
  readonly version: number;
  readonly maxInstanceLoad: number;
  readonly minInstances: number;
  readonly maxInstances: number;
  readonly scaleDownAfterMs: number;
  readonly idleTimeoutMs: number;
  readonly now: ScalingRecord;
  /** Oldest first. Each decision differs from the one before. */
  readonly records: readonly ScalingRecord[];
  /** Why the last instance failed; null = none has failed since the last deploy. */
  readonly lastError: string | null;
  /** In a cluster: how the instances are placed. */
  readonly placement?: PlacementReport;
  /** In a cluster: each host by itself. The other fields are sums, or those of the host that answers. */
  readonly hosts?: readonly HostScaling[];
}

/** How the instances of a service are placed over the hosts of a cluster. */
export interface PlacementReport {
  /** The host that decides; null = none is known. */
  readonly home: string | null;
  /** Instances that the home host has decided for the host that answers; null = none yet. */
  readonly told: number | null;
  /** The last decision of the home host. Absent = another host is the home. */
  readonly decided?: PlacementDecision;
}

export interface PlacementDecision {
  /** The sums of all hosts. */
  readonly sums: Pick<
    ScalingRecord,
    "at" | "callsInFlight" | "callsWaiting" | "needed" | "wanted" | "reason" | "running"
  >;
  /** Instances for which no host has memory. */
  readonly missing: number;
  readonly told: readonly { readonly host: string; readonly wanted: number }[];
}

/** The instances of a service on one host of a cluster. */
export interface HostScaling {
  readonly host: string;
  /** Instances that the home host of the service has decided for it; null = none yet. */
  readonly told: number | null;
  /** Its newest decision. */
  readonly now: ScalingRecord;
}

/** A limit in the reply of `listLimits`. */
export interface LimitListing {
  readonly name: string;
  readonly value: number;
  readonly default: number;
  readonly setBy: "default" | "lever up --limit";
  readonly about: string;
}

/** The reply of `rollBackService`. */
export interface RollbackReport {
  readonly environment: string;
  readonly service: string;
  readonly version: number;
  readonly previousVersion: number;
}

/** The reply of `removeService` and `removeVersion`. */
export interface RemovalReport {
  readonly environment: string;
  readonly service: string;
  /** The versions that are removed. */
  readonly versions: readonly number[];
  /** The service's data, variables, secrets and logs are still there. */
  readonly keptData: boolean;
}

/** The reply of `restartService`. */
export interface ServiceRestart {
  readonly environment: string;
  readonly service: string;
  readonly version: number;
  /** Instances that finish their calls and stop. */
  readonly replaced: number;
  /** False = the service had no instances, and the next call starts one. */
  readonly isStarted: boolean;
}

/** The reply of `stopInstance`. */
export interface StopReport {
  readonly service: string;
  readonly version: number;
  readonly instance: string;
}

/** An environment in the reply of `listEnvironments`. */
export interface EnvironmentListing {
  readonly environment: string;
  readonly services: number;
  readonly corsOrigins: readonly string[];
  /** Every caller may invoke its services, without a token. */
  readonly public: boolean;
  /** The destinations that its instances may reach by their own network. */
  readonly network: NetworkPolicy;
}

/** A route in the reply of `listRoutes`. */
export interface RouteListing {
  /** A host name. `*.` at its beginning stands for one label, which names the service. */
  readonly host: string;
  /** `""`, or the beginning of the paths that lead to the service. */
  readonly path: string;
  /** `""` = the label names it. */
  readonly service: string;
}

/** A variable in the reply of `listVariables`. */
export interface VariableListing {
  /** `""` = every service of the environment. */
  readonly service: string;
  readonly name: string;
  /** null for a secret. */
  readonly value: string | null;
  readonly secret: boolean;
  /** ISO 8601. */
  readonly setAt: string;
}

/** The reply of `setVariable`, `setVariables` and `unsetVariable`. */
export interface RestartReport {
  /** False = the change is for one service, which is not deployed. */
  readonly isDeployed: boolean;
  /** Services whose instances were replaced. */
  readonly restarted: readonly string[];
  /** Services that do not start with the change. Their instances run on without it. */
  readonly failed: readonly { readonly service: string; readonly reason: string }[];
}
