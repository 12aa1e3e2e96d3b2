import { ClusterKey } from "../cluster/cluster-key.ts";
import { IDENTITY_NOTES } from "../cluster/host-identity.ts";
import { DATABASE } from "../cluster/postgres-servers.ts";
import { GENERATION } from "../cluster/replica.ts";
import { SecretBox } from "../environments/secret-box.ts";
import { placeOf } from "../environments/variables.ts";
import { EPOCHS_RESERVED } from "../store/epochs.ts";
import type { SqliteStore } from "../store/sqlite-store.ts";
import { CLUSTER_ID, type DataFolder } from "./data-folder.ts";

/**
 * Makes the copy of a cluster's state the store of a host that is the only one: its secrets get a key of their own. `epoch`: no
 * host of the cluster has given a higher one.
 * @throws LeverError `unavailable` for another key
 */
export async function leaveCluster(
  { folder, store }: { readonly folder: DataFolder; readonly store: SqliteStore },
  { keyFile, epoch }: { readonly keyFile: string; readonly epoch: number },
): Promise<void> {
  const { notes } = store;
  const key = ClusterKey.read(keyFile);
  const box = new SecretBox(folder.secretKeyFile);
  for (const { environment } of await store.environments()) {
    const records = (await store.variables(environment))
      .filter(({ isSecret }) => isSecret)
      .map((record) => {
        const place = placeOf(record);
        return { ...record, value: box.seal(key.open(record.value, place), place) };
      });
    if (records.length > 0) await store.commit({ kind: "variablesSet", environment, records });
  }
  const reserved = Number((await notes.read(EPOCHS_RESERVED)) ?? 0);
  await notes.write(EPOCHS_RESERVED, String(Math.max(reserved, epoch)));
  for (const name of [...IDENTITY_NOTES, GENERATION, DATABASE, CLUSTER_ID]) {
    await notes.remove(name);
  }
}
