import {
  type ClusterStatus,
  type HostsReport,
  LeverError,
  type PlacementReport,
} from "@leveros/protocol";
import { adminMethod, type Methods } from "./method-table.ts";

export interface ClusterParts {
  /** undefined = the host is the only one. */
  readonly cluster:
    | {
        hosts(): HostsReport;
        status(): Promise<ClusterStatus>;
        /** `service`: as `serviceKey` names it. */
        readonly placement: { explain(service: string): PlacementReport } | undefined;
      }
    | undefined;
}

/** Methods about the hosts that are one Lever. */
export const clusterMethods: Methods<ClusterParts, "listHosts" | "getCluster"> = {
  listHosts: adminMethod(
    {
      right: "look",
      isChange: false,
      arguments: [],
      does: "Lists the hosts of the cluster with their leases, versions and the changes that they lack.",
    },
    ({ cluster }) => (cluster ?? throwAlone("list the hosts")).hosts(),
  ),

  getCluster: adminMethod(
    {
      right: "look",
      isChange: false,
      arguments: [],
      does: "Describes the cluster: its database, revision and key, and the host that answers.",
    },
    async ({ cluster }) => await (cluster ?? throwAlone("describe the cluster")).status(),
  ),
};

function throwAlone(action: string): never {
  throw new LeverError(
    "not_supported",
    `Cannot ${action}: this host is the only one. Hosts that are one Lever are started with lever up --cluster.`,
  );
}
