export {
  checkClusterDatabase,
  type DatabaseFinding,
  newClusterKey,
  type RestoredCluster,
  restoreCluster,
} from "./compose/cluster-tools.ts";
export { createAdminToken } from "./compose/create-admin-token.ts";
export type { DevelopmentOptions } from "./compose/development.ts";
export { type CodeEntry, type Host, type HostOptions, startHost } from "./compose/one-machine.ts";
export {
  type RestoredBackup,
  RestoreError,
  type RestoreOptions,
  restoreBackup,
} from "./compose/restore-backup.ts";
export { StartupError } from "./compose/startup-error.ts";
export {
  findLeftovers,
  type Leftovers,
  type RemovedLeftovers,
  removeLeftovers,
} from "./launcher/leftovers.ts";
export { type Isolation, isolations } from "./launcher/open-launcher.ts";
export {
  checkContainerIsolation,
  checkProcessIsolation,
  type Requirement,
} from "./launcher/requirements.ts";
