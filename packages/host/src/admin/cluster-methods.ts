import {
  type ClusterStatus,
  type HostChange,
  type HostsReport,
  LeverError,
  type PlacementReport,
} from "@leveros/protocol";
import { host } from "./arguments.ts";
import { adminMethod, type Methods } from "./method-table.ts";

export interface ClusterParts {
  /** undefined = the host is the only one. */
  readonly cluster:
    | {
        hosts(): HostsReport;
        status(): Promise<ClusterStatus>;
        /** `service`: as `serviceKey` names it. */
        readonly placement: { explain(service: string): PlacementReport } | undefined;
        readonly changes: Record<
          "drain" | "resume" | "remove",
          (host: string) => Promise<HostChange>
        >;
      }
    | undefined;
}

/** Methods about the hosts that are one Lever. */
export const clusterMethods: Methods<
  ClusterParts,
  "listHosts" | "getCluster" | "drainHost" | "resumeHost" | "removeHost"
> = {
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

  drainHost: adminMethod(
    {
      right: "admin",
      isChange: true,
      arguments: [host],
      does: "Has a host give its calls and resources to the other hosts. `listHosts` shows when it has none left.",
    },
    async ({ cluster }, name) => await (cluster ?? throwAlone("drain a host")).changes.drain(name),
  ),

  resumeHost: adminMethod(
    {
      right: "admin",
      isChange: true,
      arguments: [host],
      does: "Lets a host that was drained take calls again.",
    },
    async ({ cluster }, name) =>
      await (cluster ?? throwAlone("resume a host")).changes.resume(name),
  ),

  removeHost: adminMethod(
    {
      right: "admin",
      isChange: true,
      arguments: [host],
      does: "Takes a host that is gone off the list. It comes back when it starts again.",
    },
    async ({ cluster }, name) =>
      await (cluster ?? throwAlone("remove a host")).changes.remove(name),
  ),
};

function throwAlone(action: string): never {
  throw new LeverError(
    "not_supported",
    `Cannot ${action}: this host is the only one. Hosts that are one Lever are started with lever up --cluster.`,
  );
}
