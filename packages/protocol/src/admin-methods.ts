import type { AuditEntry, CreatedToken, Right, TokenListing, Whoami } from "./access-messages.ts";
import type {
  DeployProgress,
  DeployReport,
  EnvironmentListing,
  LimitListing,
  RemovalReport,
  RestartReport,
  RollbackReport,
  RouteListing,
  ScalingReport,
  ServiceListing,
  ServiceRestart,
  StopReport,
  VariableListing,
  VersionListing,
} from "./admin-messages.ts";
import type { ArchiveTerms, KeptFiles } from "./archive-format.ts";
import type { BackupReport } from "./backup-report.ts";
import type { CallFilter, CallRecord, CallTrace } from "./call-messages.ts";
import type {
  ClusterStatus,
  HostChange,
  HostMissing,
  HostsOption,
  HostsReport,
} from "./cluster-messages.ts";
import type {
  Overview,
  ResourceQuery,
  ResourceWindow,
  ServiceDetails,
  ServiceQuery,
  ServiceWindow,
  VersionChanges,
  VersionFile,
  WatchMessage,
} from "./console-messages.ts";
import type { HostStatus } from "./host-status.ts";
import type { InstancesReport } from "./instance-messages.ts";
import type { EventFilter, HostEvent, LogFilter, LogMessage, LogPage } from "./log-messages.ts";
import type { NetworkPolicy } from "./network-policy.ts";
import type { HostStats, StatsReport } from "./stats-messages.ts";

/**
 * The regular methods of the service `admin` in the environment `admin.lever`: their arguments and replies, as JSON.
 * docs/reference/admin.md says what each does, and which right it needs.
 */
export interface AdminMethods {
  rollBackService(environment: string, service: string, version?: number | null): RollbackReport;
  /** With `keepData`, the service's data, variables, secrets and logs stay. */
  removeService(
    environment: string,
    service: string,
    options?: { readonly keepData?: boolean },
  ): RemovalReport;
  removeVersion(environment: string, service: string, version: number): RemovalReport;
  restartService(environment: string, service: string): ServiceRestart;
  stopInstance(environment: string, instance: string): StopReport;
  listServices(environment: string, hosts?: HostsOption | null): readonly ServiceListing[];
  listInstances(
    environment: string,
    service?: string | null,
    hosts?: HostsOption | null,
  ): InstancesReport;
  explainService(environment: string, service: string, hosts?: HostsOption | null): ScalingReport;
  /** Without an environment: of all of them. */
  listEvents(
    environment?: string | null,
    service?: string | null,
    filter?: EventFilter | null,
    hosts?: HostsOption | null,
  ): readonly HostEvent[];
  explainInstance(
    environment: string,
    instance: string,
    hosts?: HostsOption | null,
  ): readonly HostEvent[];
  listLogs(environment: string, filter?: LogFilter | null, hosts?: HostsOption | null): LogPage;
  listCalls(
    environment: string,
    filter?: CallFilter | null,
    hosts?: HostsOption | null,
  ): readonly CallRecord[];
  getTrace(environment: string, call: string, hosts?: HostsOption | null): CallTrace;
  /** Without `minutes`, without the history. */
  listStats(
    environment: string,
    service?: string | null,
    options?: { readonly minutes?: number },
    hosts?: HostsOption | null,
  ): StatsReport;
  hostStats(options?: { readonly minutes?: number }, hosts?: HostsOption | null): HostStats;
  /** With `minutes`, its series is that of the history. */
  getOverview(
    environment: string,
    options?: { readonly minutes?: number },
    hosts?: HostsOption | null,
  ): Overview;
  findServices(
    environment: string,
    query?: ServiceQuery,
    hosts?: HostsOption | null,
  ): ServiceWindow;
  /** With `minutes`, its series is that of the history. */
  getService(
    environment: string,
    service: string,
    options?: { readonly minutes?: number },
    hosts?: HostsOption | null,
  ): ServiceDetails;
  /** The resources that the answering host has placed. */
  listResources(environment: string, service: string, query?: ResourceQuery): ResourceWindow;
  /** Newest first. */
  listVersions(environment: string, service: string): readonly VersionListing[];
  /** `before` and `version` are numbers of kept versions. */
  compareVersions(
    environment: string,
    service: string,
    before: number,
    version: number,
  ): VersionChanges;
  readFile(environment: string, service: string, version: number, path: string): VersionFile;
  createEnvironment(name: string): null;
  removeEnvironment(environment: string, options?: { readonly force?: boolean }): null;
  listEnvironments(): readonly EnvironmentListing[];
  setPublic(environment: string, isPublic: boolean): null;
  setCorsOrigins(environment: string, origins: readonly string[]): null;
  setNetwork(environment: string, network: NetworkPolicy): null;
  addRoute(environment: string, address: string, service?: string | null): null;
  removeRoute(environment: string, address: string): null;
  listRoutes(environment: string): readonly RouteListing[];
  setVariable(
    environment: string,
    service: string,
    name: string,
    value: string,
    options?: { readonly secret?: boolean },
  ): RestartReport;
  setVariables(
    environment: string,
    service: string,
    variables: Readonly<Record<string, string>>,
    options?: { readonly secret?: boolean },
  ): RestartReport;
  unsetVariable(environment: string, service: string, name: string): RestartReport;
  listVariables(environment: string): readonly VariableListing[];
  createToken(options: {
    readonly environments: readonly string[];
    readonly rights: readonly Right[];
    readonly expiresInMs?: number;
    readonly note?: string;
  }): CreatedToken;
  listTokens(): readonly TokenListing[];
  whoAmI(): Whoami;
  revokeToken(id: string, options?: { readonly force?: boolean }): null;
  /** null = the console needs none. */
  createConsoleCode(): { readonly code: string | null };
  /** Called with a code as its token. */
  openConsole(): CreatedToken;
  listAudit(): readonly AuditEntry[];
  getStatus(hosts?: HostsOption | null): HostStatus;
  listHosts(): HostsReport;
  getCluster(): ClusterStatus;
  /** By name or id. The answer comes before the host is drained: `listHosts` shows it. */
  drainHost(host: string): HostChange;
  resumeHost(host: string): HostChange;
  removeHost(host: string): HostChange;
  listLimits(): readonly LimitListing[];
  listArchiveLimits(environment: string, service?: string | null): ArchiveTerms;
  /** The positions of the digests of files that a version has. */
  findKeptFiles(
    environment: string,
    service: string,
    version: number,
    digests: readonly string[],
  ): readonly number[];
}

/** The streaming methods of the same service: their arguments, and the messages that they send. */
export interface AdminStreams {
  /** The caller sends a .tar.gz or .tar.zst as bytes. Files of `kept` are missing in it. With `report`, one message follows; with `progress`, some precede it. */
  deployServiceChan(
    environment: string,
    options?: {
      readonly report?: boolean;
      readonly progress?: boolean;
      readonly kept?: KeptFiles;
    },
  ): DeployProgress | DeployReport;
  /** Without an environment, those of the whole host. Each message is a part of the text, as bytes. */
  metricsChan(
    environment?: string | null,
    options?: { readonly openMetrics?: boolean; readonly instances?: boolean },
    hosts?: HostsOption | null,
  ): Uint8Array;
  watchEventsChan(
    environment?: string | null,
    service?: string | null,
    filter?: EventFilter | null,
    hosts?: HostsOption | null,
  ): HostEvent | { readonly dropped: number } | HostMissing;
  watchLogsChan(
    environment: string,
    filter?: LogFilter | null,
    hosts?: HostsOption | null,
  ): LogMessage;
  /** The backup as bytes; with `report`, one message follows. */
  backUpChan(options?: {
    readonly data?: boolean;
    readonly report?: boolean;
  }): Uint8Array | BackupReport;
  profileChan(
    environment: string,
    serviceOrInstance: string,
    options?: { readonly heap?: boolean; readonly seconds?: number },
  ): Uint8Array;
  /** `lost` calls were forgotten before they could be sent. */
  watchCallsChan(
    environment: string,
    filter?: CallFilter | null,
    hosts?: HostsOption | null,
  ): CallRecord | { readonly lost: number } | HostMissing;
  /** Its caller sends messages of the type `WatchRequest`. */
  watchChan(): WatchMessage;
}
