/**
 * Parts of the host by themselves, for simulations and fuzz tests: `@leveros/host/parts`, only under the condition
 * `lever-source`.
 */
export { TokenIndex } from "./access/token-index.ts";
export { decideInstances, type RecentNeeds } from "./autoscaler/decide-instances.ts";
export { decideShare } from "./autoscaler/decide-share.ts";
export { type Clock, systemClock } from "./clock.ts";
export {
  type Lease,
  type Moment,
  ownersEndAtMs,
  RENEW_EVERY_MS,
  type ResourceRight,
  renewLease,
  resourceRight,
  rightChangesInMs,
} from "./cluster/lease.ts";
export {
  decideMembership,
  type HostRow,
  hostsToFence,
  type Observation,
  observeHosts,
  type RenewalAnswer,
  TAKE_OVER_AFTER_MS,
} from "./cluster/membership.ts";
export {
  afterClaim,
  afterHostsSeen,
  type CallMark,
  type ClaimAnswer,
  decideCall,
  type OwnedRow,
  type Ownership,
  rowsToRelease,
} from "./cluster/ownership.ts";
export { openPostgresStore, type PostgresStore } from "./cluster/postgres-store.ts";
export { goLive } from "./deployer/go-live.ts";
export { unpackArchive } from "./deployer/unpack-archive.ts";
export { Fleet } from "./fleet/fleet.ts";
export { openGateway } from "./gateway/gateway.ts";
export type { GatewayLimits } from "./gateway/gateway-limits.ts";
export { Readiness } from "./gateway/platform/readiness.ts";
export { filePath } from "./gateway/sites/files/file-path.ts";
export { parseResponseHead } from "./gateway/sites/response-head.ts";
export { siteRequest } from "./gateway/sites/site-request.ts";
export type { Certificate } from "./gateway/tls/certificate.ts";
export {
  type InstanceLinkHandlers,
  linkInstance,
  type RuntimeLink,
} from "./instance-link/instance-link.ts";
export { decideKeeper, KEEPER_CHECK_MS } from "./keeper/decide-keeper.ts";
export type { Launcher } from "./launcher/launcher.ts";
export { ClusterHosts } from "./peers/cluster-hosts.ts";
export { openPeerCertificate, type PeerCertificate } from "./peers/peer-certificate.ts";
export { Peers } from "./peers/peers.ts";
export { ResourceOwners } from "./peers/resource-owners.ts";
export { type HostLoad, type PlacedHost, Placement } from "./placement/placement.ts";
export type { ProcessExit } from "./processes/process-exit.ts";
export { forwardCall } from "./router/forward-call.ts";
export type { InstanceTarget } from "./router/instance-target.ts";
export { ResourceLedger } from "./router/resource-ledger.ts";
export { Router } from "./router/router.ts";
export { ServiceRoute } from "./router/service-route.ts";
export { Sites } from "./router/sites.ts";
export { Applier, type ChangeHandler } from "./state/applier.ts";
export { applyAtOnce, State } from "./state/state.ts";
export type { Change } from "./store/change.ts";
export type {
  EnvironmentRecord,
  TokenRecord,
  VariableRecord,
  VersionRecord,
} from "./store/records.ts";
export { openSqliteStore, type SqliteStore } from "./store/sqlite-store.ts";
export type { Store } from "./store/store.ts";
