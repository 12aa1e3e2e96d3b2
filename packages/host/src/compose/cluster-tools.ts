import type { DatabaseFinding } from "../cluster/check-database.ts";
import type { ClusterRestoreOptions, RestoredCluster } from "./restore-cluster.ts";

export type { DatabaseFinding, RestoredCluster };

/** The content of a file with a new key of a cluster. */
export async function newClusterKey(): Promise<string> {
  const { ClusterKey } = await import("../cluster/cluster-key.ts");
  return ClusterKey.create();
}

/** See `restore-cluster.ts`. */
export async function restoreCluster(options: ClusterRestoreOptions): Promise<RestoredCluster> {
  const restore = await import("./restore-cluster.ts");
  return await restore.restoreCluster(options);
}

/** Checks a PostgreSQL for a cluster. @throws LeverError `malformed_request` for a URL */
export async function checkClusterDatabase(url: string): Promise<readonly DatabaseFinding[]> {
  const { checkDatabase } = await import("../cluster/check-database.ts");
  return await checkDatabase(url);
}
