import { type AccessParts, accessMethods } from "./access-methods.ts";
import type { AskingParts } from "./ask-all.ts";
import { type BackupParts, backupMethods } from "./backup-methods.ts";
import { type CallParts, callMethods } from "./call-methods.ts";
import { type ClusterParts, clusterMethods } from "./cluster-methods.ts";
import { type EnvironmentParts, environmentMethods } from "./environment-methods.ts";
import { type LogParts, logMethods } from "./log-methods.ts";
import type { MethodTable } from "./method-table.ts";
import { type MetricParts, metricMethods } from "./metric-methods.ts";
import { type ObserveParts, observeMethods } from "./observe-methods.ts";
import { type OverviewParts, overviewMethods } from "./overview-methods.ts";
import { type ProfileParts, profileMethods } from "./profile-methods.ts";
import { type ResourceParts, resourceMethods } from "./resource-methods.ts";
import { type RouteParts, routeMethods } from "./route-methods.ts";
import { type ServiceParts, serviceMethods } from "./service-methods.ts";
import { type StatsParts, statsMethods } from "./stats-methods.ts";
import { type StatusParts, statusMethods } from "./status-methods.ts";
import { type VariableParts, variableMethods } from "./variable-methods.ts";
import { type VersionParts, versionMethods } from "./version-methods.ts";
import { type WatchParts, watchMethods } from "./watch-methods.ts";

export type AdminParts = AskingParts &
  ServiceParts &
  ObserveParts &
  StatusParts &
  ClusterParts &
  MetricParts &
  LogParts &
  CallParts &
  ProfileParts &
  StatsParts &
  OverviewParts &
  ResourceParts &
  VersionParts &
  WatchParts &
  EnvironmentParts &
  RouteParts &
  VariableParts &
  AccessParts &
  BackupParts;

/** Every method of the admin service, in the order of docs/reference/admin.md. */
export const adminMethods: MethodTable<AdminParts> = {
  ...serviceMethods,
  ...observeMethods,
  ...statusMethods,
  ...clusterMethods,
  ...metricMethods,
  ...logMethods,
  ...callMethods,
  ...profileMethods,
  ...statsMethods,
  ...overviewMethods,
  ...resourceMethods,
  ...versionMethods,
  ...watchMethods,
  ...environmentMethods,
  ...routeMethods,
  ...variableMethods,
  ...accessMethods,
  ...backupMethods,
};
