/** What the admin service answers, as JSON. */
import type { NetworkPolicy } from "./network-policy.ts";

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
  readonly instance: string;
  readonly version: number;
  readonly state: InstanceState;
  readonly callsInFlight: number;
  /** ISO 8601. */
  readonly startedAt: string;
}

/** The phases of an instance's start, in milliseconds. */
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

/** Of `listInstances(environment, service?)`: the instances, and the host that they run on. */
export interface InstancesReport {
  readonly instances: readonly InstanceStatus[];
  readonly host: {
    /** Resident memory of the host's own process, in bytes. */
    readonly memoryBytes: number;
    /** Megabytes of memory that instances have been allotted, and may be. */
    readonly ramReserved: number;
    readonly ramMax: number;
    /** Processes that are ready to become an instance, and how many there should be. */
    readonly warmReady: number;
    readonly warmWanted: number;
    /** Starts of instances since the host started, deploys apart. */
    readonly starts: {
      readonly count: number;
      /** Those whose process had been started before it was needed. */
      readonly warm: number;
      /** Of the last 100: from the decision until it was ready, in milliseconds. */
      readonly medianMs: number;
    };
  };
}

export interface InstanceStatus {
  readonly service: string;
  readonly instance: string;
  readonly version: number;
  readonly state: InstanceState;
  /** With open streams. */
  readonly callsInFlight: number;
  readonly streamsInFlight: number;
  readonly resources: number;
  readonly pid: number;
  /** Resident memory of its process, in bytes. */
  readonly memoryBytes: number;
  /** Megabytes that it is allotted. */
  readonly ram: number;
  /** ISO 8601. */
  readonly startedAt: string;
  /** Absent while it starts. */
  readonly start?: StartTimes;
}

/**
 * The rule that decided how many instances a service should have.
 *
 * - `load`: the number that its calls need now.
 * - `recentLoad`: the number that its calls needed within the last `scaleDownAfterMs`.
 * - `idleTimeout`: one, because it was used within the last `idleTimeoutMs`.
 * - `idle`: none.
 * - `minInstances`, `maxInstances`: the bound that lever.json sets.
 */
export type ScalingReason =
  | "load"
  | "recentLoad"
  | "idleTimeout"
  | "idle"
  | "minInstances"
  | "maxInstances";

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
  /** What keeps further instances from starting; null = nothing. */
  readonly blockedBy: "memory" | "backoff" | null;
}

/** Of `explainService(environment, service)`. */
export interface ScalingReport {
  readonly service: string;
  readonly version: number;
  readonly maxInstanceLoad: number;
  readonly minInstances: number;
  readonly maxInstances: number;
  readonly scaleDownAfterMs: number;
  readonly idleTimeoutMs: number;
  readonly now: ScalingRecord;
  /** Newest last: each is another answer than the one before. */
  readonly records: readonly ScalingRecord[];
  /** Why the last instance failed, if one has since the last deploy. */
  readonly lastError: string | null;
}

/** Of `listLimits()`. */
export interface LimitListing {
  readonly name: string;
  readonly value: number;
  readonly default: number;
  readonly setBy: "default" | "lever up --limit";
  readonly about: string;
}

/** Of `listEvents` and `watchEventsChan`: something that happened, with what it was about. */
export interface HostEvent {
  /** ISO 8601. */
  readonly at: string;
  readonly level: "info" | "warn" | "error";
  readonly part: string;
  readonly event: string;
  readonly environment?: string;
  readonly service?: string;
  readonly [field: string]: unknown;
}

/** Of `rollBackService(environment, service, version?)`. */
export interface RollbackReport {
  readonly environment: string;
  readonly service: string;
  readonly version: number;
  readonly previousVersion: number;
}

/** Of `listEnvironments()`. */
export interface EnvironmentListing {
  readonly environment: string;
  readonly services: number;
  readonly corsOrigins: readonly string[];
  /** Anyone may invoke its services, with no token. */
  readonly public: boolean;
  /** What its instances may reach by their own network. */
  readonly network: NetworkPolicy;
}

/** Of `listVariables(environment)`. */
export interface VariableListing {
  /** `""` = every service of the environment. */
  readonly service: string;
  readonly name: string;
  /** null for a secret: it is never told. */
  readonly value: string | null;
  readonly secret: boolean;
  /** ISO 8601. */
  readonly setAt: string;
}

/** Of `setVariable` and `unsetVariable`: what became of the instances that ran. */
export interface RestartReport {
  /** Services whose instances were replaced. */
  readonly restarted: readonly string[];
  /** Those that could not be started with the change, and go on without it. */
  readonly failed: readonly { readonly service: string; readonly reason: string }[];
}

/** What a token can allow: to call services, to deploy them, to do everything. */
export const rights: readonly ["invoke", "deploy", "admin"] = ["invoke", "deploy", "admin"];
export type Right = (typeof rights)[number];

export function isRight(value: unknown): value is Right {
  return rights.some((right) => right === value);
}

/** Of `listTokens()`. */
export interface TokenListing {
  readonly id: string;
  /** `*` = all. */
  readonly environments: readonly string[];
  readonly rights: readonly Right[];
  readonly note: string;
  /** ISO 8601. */
  readonly createdAt: string;
  /** ISO 8601; absent = never. */
  readonly expiresAt?: string;
}

/** Of `createToken(wanted)`. */
export interface CreatedToken extends TokenListing {
  /** Told once, and kept by nobody but who asked. */
  readonly token: string;
}

/** Of `listAudit()`: one change, or one that was refused. */
export interface AuditEntry {
  /** ISO 8601. */
  readonly at: string;
  /** A token's id; `local` = from this machine, while there was no token. */
  readonly principal: string;
  readonly method: string;
  /** `*` = it concerned all. */
  readonly environment: string;
  /** The name of the thing that was changed; `""` = the environment itself. */
  readonly target: string;
  /** `done`, or the code of the error. */
  readonly outcome: string;
}
