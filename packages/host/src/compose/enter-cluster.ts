import { randomBytes } from "node:crypto";
import { LeverError } from "@leveros/protocol";
import { askAgain } from "../cluster/ask-again.ts";
import type { ClusterKey } from "../cluster/cluster-key.ts";
import { decideEntry } from "../cluster/decide-entry.ts";
import { foundCluster } from "../cluster/found-cluster.ts";
import { isAway } from "../cluster/postgres-error.ts";
import type { ClusterIdentity } from "../cluster/postgres-schema.ts";
import type { PostgresStore } from "../cluster/postgres-store.ts";
import { defaultEnvironment } from "../environments/environments.ts";
import { SecretBox } from "../environments/secret-box.ts";
import { placeOf } from "../environments/variables.ts";
import { removeServiceData } from "../launcher/service-data.ts";
import { EPOCHS_RESERVED } from "../store/epochs.ts";
import type { OpenClusterOptions } from "./cluster-options.ts";
import { archiveOf, CLUSTER_ID } from "./data-folder.ts";

const ID_BYTES = 4;

/**
 * Joins the cluster in the database, or founds it. Returns its id. `isThere` false = the database does not answer, and the host
 * was in its cluster before.
 * @throws LeverError with what to do
 */
export async function enterCluster(
  given: OpenClusterOptions,
  { database, key }: { readonly database: PostgresStore; readonly key: ClusterKey },
): Promise<{ readonly id: string; readonly isThere: boolean }> {
  const { options, store, clock, log } = given;
  const { notes } = store;
  const knownId = await notes.read(CLUSTER_ID);
  let cluster: ClusterIdentity | undefined;
  try {
    cluster = await askAgain(clock, () => database.cluster());
  } catch (error) {
    if (knownId === undefined || !isAway(error)) throw error;
    log("warn", "cluster", "database away at start", { reason: String(error) });
    return { id: knownId, isThere: false };
  }
  const hasContent = await store.hasContent();
  const step = decideEntry({ ...options, cluster, knownId, hasContent });
  switch (step.kind) {
    case "refuse":
      throw new LeverError("unavailable", step.reason);
    case "found": {
      const id = knownId ?? randomBytes(ID_BYTES).toString("hex");
      await found(given, { database, key, id, isBegun: step.isBegun });
      return { id, isThere: true };
    }
    case "join":
  }
  if (cluster === undefined) throw new Error("Only a cluster can be joined.");
  key.checkId(cluster.keyId);
  if (knownId === undefined) {
    // Services of the cluster may have the same names, and must not get the data of these.
    for (const { environment } of await store.environments()) {
      await removeServiceData(given.folder.dir, environment);
    }
    await notes.write(CLUSTER_ID, cluster.id);
  }
  return { id: cluster.id, isThere: true };
}

async function found(
  { options, folder, store, clock, log }: OpenClusterOptions,
  founding: {
    readonly database: PostgresStore;
    readonly key: ClusterKey;
    readonly id: string;
    readonly isBegun: boolean;
  },
): Promise<void> {
  const { id, database, key, isBegun } = founding;
  const box = new SecretBox(folder.secretKeyFile);
  const { archives } = database;
  const lost = await foundCluster({
    id,
    keyId: key.id,
    isBegun,
    store,
    epoch: Number((await store.notes.read(EPOCHS_RESERVED)) ?? 0),
    database,
    archiveOf: async (codeId) => archiveOf(folder, codeId),
    storeArchive: (codeId, file) => archives.putFile(codeId, file),
    reseal: (sealed, variable) => key.seal(box.open(sealed, placeOf(variable)), placeOf(variable)),
    environment: defaultEnvironment,
    onBegun: () => store.notes.write(CLUSTER_ID, id),
    audit: {
      at: clock.wallTime(),
      principal: "local",
      method: "foundCluster",
      environment: "*",
      target: options.hostName ?? "",
      outcome: "done",
    },
  });
  log("info", "cluster", "cluster founded", {
    cluster: id,
    ...(lost > 0 && { archivesLost: lost }),
  });
}
